"""Slow counts are kept in proportion to their cost; fast ones never."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache

from survey_site.studies import cached_counts
from survey_site.studies.cached_counts import LONGEST_SECONDS, forget, kept


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


def test_nothing_is_kept_for_longer_than_two_minutes(clock: Clock) -> None:
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


def test_a_count_that_fails_leaves_the_way_open(clock: Clock) -> None:
    with pytest.raises(ZeroDivisionError):
        kept("a", lambda: 1 // 0, clock)
    assert kept("a", lambda: clock.taking(1), clock) == 1
