"""Redis as a cache that may be away. A module of its own, so that a site without Redis does not load its client."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import AuthenticationError, ConnectionError, TimeoutError

logger = logging.getLogger(__name__)


class SparedRedisCache(RedisCache):
    """Redis as a cache that may be away: then nothing is found in it, nothing is kept, and no page fails for it.

    Nothing counts as added then, so that whoever adds in order to be the only one leaves it.
    """

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        with _unless_away():
            return super().get(key, default, version)
        return default

    def add(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        with _unless_away():
            return bool(super().add(key, value, timeout, version))
        return False

    def set(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        with _unless_away():
            super().set(key, value, timeout, version)

    def delete(self, key: str, version: int | None = None) -> bool:
        with _unless_away():
            return bool(super().delete(key, version))
        return False

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        """Raises ValueError where there is no such key, or no cache."""
        with _unless_away():
            return int(super().incr(key, delta, version))
        raise ValueError(f"Key {key!r} not found: the cache is away")

    def look(self) -> None:
        """Raises RedisError where it is away."""
        super().get("readyz")


@contextmanager
def _unless_away() -> Iterator[None]:
    """Goes on after the block where Redis cannot be reached; what it refuses (a password, a right) is raised."""
    try:
        yield
    except AuthenticationError:
        raise
    except (ConnectionError, TimeoutError) as error:
        logger.warning("the cache is away, and done without: %s", type(error).__name__)
