"""Caches hold JSON: what went in comes out, and what somebody else put there is not run."""

import os
import pickle
import subprocess
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey_site import environment_stores as stores
from survey_site.json_cache import EXPIRY, JsonFileCache, Serializer, decode, encode

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(), st.binary(),
    st.datetimes(timezones=st.just(UTC)).map(lambda at: at.replace(fold=0)), st.dates(),
)  # fmt: skip
KEYS = st.one_of(st.text(), st.integers(), st.tuples(st.integers(), st.text()), st.just("$"))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner),
        st.lists(inner).map(tuple),
        st.dictionaries(KEYS, inner),
        st.dictionaries(st.text(), inner),
    ),
    max_leaves=20,
)


class Boom:
    """Unpickling it leaves a trace."""

    trace: list[str] = []

    def __reduce__(self) -> Any:
        return (Boom.trace.append, ("ran",))


@given(VALUES)
def test_a_value_comes_back_as_it_went_in(value: Any) -> None:
    back = decode(encode(value))
    assert back == value
    assert repr(back) == repr(value)  # a tuple is no list, and 1 is not True


@given(VALUES)
def test_redis_gets_whole_numbers_as_they_are(value: Any) -> None:
    stored = Serializer().dumps(value)
    as_redis_has_it = str(stored).encode() if type(stored) is int else stored
    assert Serializer().loads(as_redis_has_it) == value


def test_an_object_has_no_form_in_the_cache() -> None:
    with pytest.raises(TypeError):
        encode(Boom())


@pytest.fixture
def cache(tmp_path: Path) -> JsonFileCache:
    return JsonFileCache(str(tmp_path), {})


def test_files_keep_values_until_their_time(cache: JsonFileCache) -> None:
    cache.set("a", {"at": datetime(2026, 1, 1, tzinfo=UTC), "day": date(2026, 1, 1)}, 60)
    assert cache.get("a") == {"at": datetime(2026, 1, 1, tzinfo=UTC), "day": date(2026, 1, 1)}
    assert not cache.add("a", 1)
    assert cache.touch("a", -1)
    assert cache.get("a", "gone") == "gone"
    assert not cache.touch("a", 60)
    cache.set("n", 1, None)
    assert cache.incr("n") == 2


def count(folder: str, times: int) -> None:
    """As one worker of the site counts."""
    cache = JsonFileCache(folder, {})
    for _ in range(times):
        if not cache.add("n", 1, 60):
            cache.incr("n")


def test_four_hundred_counts_at_once_are_four_hundred(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda _: count(str(tmp_path), 10), range(20)))
    command = f"from tests.site.test_json_cache import count; count({str(tmp_path)!r}, 50)"
    others = [subprocess.Popen([sys.executable, "-c", command]) for _ in range(4)]
    assert [other.wait(60) for other in others] == [0] * 4
    assert JsonFileCache(str(tmp_path), {}).get("n") == 400


def test_a_count_ends_when_it_was_to_end(cache: JsonFileCache) -> None:
    cache.add("n", 1, 3600)
    ends = EXPIRY.unpack(Path(cache._key_to_file("n")).read_bytes()[:8])[0]
    assert cache.incr("n") == 2
    after = EXPIRY.unpack(Path(cache._key_to_file("n")).read_bytes()[:8])[0]
    assert after == pytest.approx(ends, abs=1)
    with pytest.raises(ValueError, match="not found"):
        cache.incr("other")


def test_a_full_folder_loses_what_was_written_longest_ago(tmp_path: Path) -> None:
    cache = JsonFileCache(str(tmp_path), {"max_entries": 9})
    cache.add("count", 1, 3600)
    for number in range(40):
        cache.set(f"report-{number}", number)
        os.utime(cache._key_to_file(f"report-{number}"), (number, number))
        cache.incr("count")
    assert cache.get("count") == 41
    assert len(list(tmp_path.glob("*.cached"))) <= 9


def test_nothing_that_somebody_put_into_the_folder_is_run(cache: JsonFileCache) -> None:
    cache.set("a", 1)
    file = Path(cache._key_to_file("a"))
    far = EXPIRY.pack(float("inf"))
    for data in (
        pickle.dumps(None) + zlib.compress(pickle.dumps(Boom())),
        pickle.dumps(Boom()),
        far + zlib.compress(pickle.dumps(Boom())),
        far + b"torn",
        b"",
    ):
        file.write_bytes(data)
        assert cache.get("a", "nothing") == "nothing"
        assert not cache.touch("a", 1)
    assert Boom.trace == []


def test_no_cache_of_the_site_unpickles(tmp_path: Path) -> None:
    assert stores.cache("", tmp_path)["BACKEND"] == "survey_site.json_cache.JsonFileCache"
    assert stores.cache("file:///x", tmp_path)["BACKEND"] == "survey_site.json_cache.JsonFileCache"
    redis = stores.cache("redis://h/1", tmp_path)
    assert redis["OPTIONS"]["serializer"] == "survey_site.json_cache.Serializer"
