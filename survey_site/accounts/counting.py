"""Counts what a sender does within a time, for the limits: exactly, in every cache."""

from django.core.cache import cache


def counted(key: str, lifetime_s: float) -> int:
    """This one included, how many there were under this key since the first, which is forgotten after `lifetime_s`."""
    if cache.add(key, 1, lifetime_s):
        return 1
    try:
        return cache.incr(key)
    except ValueError:  # its time ended, or the cache lost it, in between
        return 1
