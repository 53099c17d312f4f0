"""Slow counts are kept in proportion to their cost; fast ones never."""

import threading
from collections.abc import Iterator

import pytest
from django.core.cache import cache

from survey_site.studies import cached_counts
from survey_site.studies.cached_counts import LONGEST_SECONDS, PATIENCE_SECONDS, forget, kept


class Clock:
    """Time that passes only when a count says so."""

    def __init__(self) -> None:
        self.now, self.counts = 1000.0, 0

    def __call__(self) -> float:
        return self.now

    def taking(self, seconds: float) -> int:
        self.now += seconds
        self.counts += 1
        return self.counts


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    monkeypatch.setattr(cached_counts, "SLOW_SECONDS", 0.5)  # conftest.py has it otherwise
    cache.clear()
    yield Clock()
    cache.clear()


def test_what_was_changed_on_purpose_is_counted_anew(clock: Clock) -> None:
    assert [kept("a", lambda: clock.taking(1), clock) for _ in range(2)] == [1, 1]
    forget("a")
    assert kept("a", lambda: clock.taking(1), clock) == 2


def test_a_fast_count_is_made_every_time(clock: Clock) -> None:
    assert [kept("a", lambda: clock.taking(0.1), clock) for _ in range(3)] == [1, 2, 3]


def test_a_slow_count_is_made_again_after_twenty_times_as_long(clock: Clock) -> None:
    assert [kept("a", lambda: clock.taking(1), clock) for _ in range(3)] == [1, 1, 1]
    clock.now += 21
    assert kept("a", lambda: clock.taking(1), clock) == 2


def test_a_count_of_a_quarter_of_a_minute_takes_one_part_in_twenty_of_the_time_too(clock: Clock) -> None:
    kept("a", lambda: clock.taking(15), clock)
    clock.now += 20 * 15 - 1
    assert kept("a", lambda: clock.taking(15), clock) == 1


def test_nothing_is_kept_for_longer_than_ten_minutes(clock: Clock) -> None:
    kept("a", lambda: clock.taking(60), clock)
    clock.now += LONGEST_SECONDS + 1
    assert kept("a", lambda: clock.taking(1), clock) == 2


def test_while_one_counts_the_others_get_the_old_value(clock: Clock) -> None:
    kept("a", lambda: clock.taking(1), clock)
    clock.now += 100
    seen = []

    def count() -> int:
        seen.append(kept("a", lambda: clock.taking(1), clock))
        return clock.taking(1)

    assert kept("a", count, clock) == 2
    assert seen == [1]


@pytest.mark.parametrize("seconds", [1, 0.1], ids=["kept", "too fast to be kept"])
def test_who_comes_during_the_first_count_waits_for_it_and_counts_only_what_is_not_kept(
    clock: Clock, seconds: float
) -> None:
    counts, goes_on = threading.Event(), threading.Event()

    def slowly() -> int:
        counts.set()
        assert goes_on.wait(30)
        return clock.taking(seconds)

    def wait(_: float) -> None:
        goes_on.set()
        first.join(30)

    first = threading.Thread(target=lambda: kept("a", slowly, clock))
    first.start()
    assert counts.wait(30)
    assert kept("a", lambda: clock.taking(seconds), clock, wait) == (1 if seconds == 1 else 2)


def test_nobody_waits_for_long_for_a_first_count(clock: Clock) -> None:
    def wait(seconds: float) -> None:
        clock.now += seconds

    def count() -> int:
        assert kept("a", lambda: 7, clock, wait) == 7
        return clock.taking(1)

    began = clock.now
    assert kept("a", count, clock) == 1
    assert clock.now - began < PATIENCE_SECONDS + 2


def test_a_count_that_fails_leaves_the_way_open(clock: Clock) -> None:
    with pytest.raises(ZeroDivisionError):
        kept("a", lambda: 1 // 0, clock)
    assert kept("a", lambda: clock.taking(1), clock) == 1
