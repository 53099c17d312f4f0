"""A cache that is away: nothing is found, nothing is kept, nobody is the only one, and no page fails."""

import pytest
import redis
from django.core.cache import caches
from django.test import Client

from survey_site import environment_stores as stores
from survey_site.accounts.counting import counted
from survey_site.redis_cache import SparedRedisCache
from survey_site.trials.views import health
from tests import factories, servers
from tests.trials.player import begin


def cache_at(url: str) -> SparedRedisCache:
    options = stores.cache(url, data_dir=None)  # type: ignore[arg-type]
    return SparedRedisCache(url, {"OPTIONS": options["OPTIONS"]})


@pytest.fixture
def away() -> SparedRedisCache:
    return cache_at(f"redis://127.0.0.1:{servers.free_port()}/1")


def test_nothing_is_found_and_nothing_fails(away: SparedRedisCache) -> None:
    away.set("a", 1)
    assert away.get("a") is None
    assert away.get("a", "given") == "given"
    assert not away.add("a", 1)
    assert not away.delete("a")
    with pytest.raises(ValueError, match="away"):
        away.incr("a")
    with pytest.raises(redis.ConnectionError):
        away.look()


@pytest.mark.django_db
def test_people_begin_and_a_load_balancer_is_told(
    away: SparedRedisCache, media: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    factories.live()
    monkeypatch.setattr(caches._connections, "default", away, raising=False)
    assert begin(Client(HTTP_HOST="localhost"), "test").startswith("/p/")
    assert counted("starts", 60) == 1
    health.LOOKS.forget()
    assert health.LOOKS.outcome()["cache"] == "failed: ConnectionError"
    health.LOOKS.forget()


def test_one_that_is_there_keeps_and_counts_and_a_wrong_password_is_told() -> None:
    if not servers.find("redis-server"):
        pytest.skip("needs redis-server")
    with servers.redis() as url:
        cache = cache_at(url)
        cache.delete("a")
        assert cache.add("a", 1)
        assert not cache.add("a", 1)
        assert cache.incr("a") == 2
        cache.set("a", (1, b"2"))
        assert cache.get("a") == (1, b"2")
        assert cache.delete("a")
        cache.look()
        with redis.Redis.from_url(url) as client:
            client.execute_command("ACL", "SETUSER", "known", "on", ">right", "~*", "+@all")
        wrong = cache_at(url.replace("redis://", "redis://known:wrong@"))
        with pytest.raises(redis.AuthenticationError):
            wrong.get("a")
