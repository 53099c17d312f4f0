"""Keeps what was slow to count for a while, in proportion to what it cost, whoever else looks meanwhile."""

import time
from collections.abc import Callable
from typing import Any, TypedDict, TypeVar

from django.core.cache import cache

T = TypeVar("T")
SLOW_SECONDS = 0.5  # faster counts are made anew every time
SHARE = 20  # a count may take one part in so many of the database's time
LONGEST_SECONDS = 120
FORGET_SECONDS = 3600


class KeptCount(TypedDict):
    """A `value` made `at` (seconds since the epoch), which `took` so many seconds."""

    value: Any
    at: float
    took: float


def forget(key: str) -> None:
    """The next who looks counts anew: what was counted has been changed on purpose."""
    cache.delete(f"kept:{key}")


def kept(key: str, count: Callable[[], T], clock: Callable[[], float] = time.time) -> T:
    """The value of `count`: made now, or a while ago where making it takes long.

    The value is plain data, as the cache keeps it. When it is due, one caller makes it anew; the others get the old
    one meanwhile.
    """
    found: KeptCount | None = cache.get(f"kept:{key}")
    if found is not None:
        due = found["at"] + min(SHARE * found["took"], LONGEST_SECONDS)
        if clock() < due or not cache.add(f"kept:{key}:busy", 1, LONGEST_SECONDS):
            value: T = found["value"]
            return value
    started = clock()
    try:
        made = count()
        took = clock() - started
        if took > SLOW_SECONDS:
            cache.set(f"kept:{key}", KeptCount(value=made, at=clock(), took=took), FORGET_SECONDS)
        else:
            cache.delete(f"kept:{key}")
    finally:
        cache.delete(f"kept:{key}:busy")
    return made
