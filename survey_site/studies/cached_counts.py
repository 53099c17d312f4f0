"""Keeps what was slow to count for a while, in proportion to what it cost, whoever else looks meanwhile."""

import time
from collections.abc import Callable
from typing import Any, TypedDict, TypeVar, cast

from django.core.cache import cache

T = TypeVar("T")
SLOW_SECONDS = 0.5  # faster counts are made anew every time
SHARE = 20  # a count may take one part in so many of the database's time
LONGEST_SECONDS = 600
BUSY_SECONDS = 120  # whoever counts for longer is taken for dead
PATIENCE_SECONDS = 10  # of whoever waits for another one's first count
GLANCE_SECONDS = 0.05
FORGET_SECONDS = 3600


class KeptCount(TypedDict):
    """A `value` made `at` (seconds since the epoch), which `took` so many seconds."""

    value: Any
    at: float
    took: float


def forget(key: str) -> None:
    """The next who looks counts anew: what was counted has been changed on purpose."""
    cache.delete(f"kept:{key}")


def kept(
    key: str,
    count: Callable[[], T],
    clock: Callable[[], float] = time.time,
    wait: Callable[[float], None] = time.sleep,
    longest: float = LONGEST_SECONDS,
) -> T:
    """The value of `count`: made now, or a while ago (`longest`, in seconds, at most) where making it takes long.

    The value is plain data, as the cache keeps it. When it is due, one caller makes it anew; the others get the old
    one meanwhile, or wait a while for it where there is none yet.
    """
    found: KeptCount | None = cache.get(f"kept:{key}")
    if found is not None and clock() < found["at"] + min(SHARE * found["took"], longest):
        return cast("T", found["value"])
    alone = cache.add(f"kept:{key}:busy", 1, BUSY_SECONDS)
    if not alone and (found := found or _of_another(key, clock, wait)) is not None:
        return cast("T", found["value"])
    started = clock()
    try:
        made = count()
        took = clock() - started
        if took > SLOW_SECONDS:
            cache.set(f"kept:{key}", KeptCount(value=made, at=clock(), took=took), FORGET_SECONDS)
        elif found is not None:
            cache.delete(f"kept:{key}")
    finally:
        if alone:
            cache.delete(f"kept:{key}:busy")
    return made


def _of_another(key: str, clock: Callable[[], float], wait: Callable[[float], None]) -> KeptCount | None:
    """What somebody else counts just now, once it is kept; None where it is fast, and so not kept, or takes too long."""
    until = clock() + PATIENCE_SECONDS
    while cache.get(f"kept:{key}:busy") and clock() < until:
        wait(GLANCE_SECONDS)
    found: KeptCount | None = cache.get(f"kept:{key}")
    return found
