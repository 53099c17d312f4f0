"""docker-compose.yml and Dockerfile: checked as text, since no engine runs here (docs/operations.md says so)."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
import yaml
from django.core.cache.backends.redis import RedisCache
from kombu import Connection

from survey_site import environment
from survey_site.demo.processes import server_arguments
from tests import servers

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")


def test_it_runs_web_workers_database_and_broker() -> None:
    assert set(COMPOSE["services"]) == {"web", "worker", "worker-gpu", "reports", "database", "redis"}
    assert COMPOSE["services"]["worker-gpu"]["profiles"] == ["gpu"]


def test_it_runs_the_commands_that_the_demo_runs() -> None:
    web = " ".join(COMPOSE["services"]["web"]["command"].split())
    demo = server_arguments(8000, "0.0.0.0")
    assert [part for part in demo if part != "-m" and part not in web and not part.isdigit()] == []
    assert COMPOSE["services"]["worker"]["command"] == "python -m saliency_worker worker"


def test_it_sets_only_variables_that_the_settings_read() -> None:
    settings = (ROOT / "survey_site" / "settings.py").read_text("utf-8")
    assert [name for name in COMPOSE["x-app"]["environment"] if f'"{name}"' not in settings] == []


def test_each_built_service_has_a_target_and_the_web_image_has_no_tensorflow() -> None:
    targets = {service["build"]["target"] for service in COMPOSE["services"].values() if "build" in service}
    assert targets <= set(re.findall(r"^FROM \S+ AS (\S+)$", DOCKERFILE, re.MULTILINE))
    web = (ROOT / "requirements" / "web.txt").read_text("utf-8")
    assert not re.search(r"^(tensorflow|opencv|scipy|statsmodels|pandas|matplotlib)", web, re.MULTILINE)


def test_locks_carry_hashes_and_no_index_address() -> None:
    for lock in (ROOT / "requirements").glob("*.txt"):
        text = lock.read_text("utf-8")
        assert "http" not in text, lock
        pinned = re.findall(r"^[\w.\[\]-]+==", text, re.MULTILINE)
        assert len(pinned) > 20
        assert text.count("--hash=sha256:") >= len(pinned)


def test_no_service_has_a_password_that_everybody_knows() -> None:
    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    assert sorted(set(re.findall(r"\$\{(\w+):\?", text))) == [
        "POSTGRES_PASSWORD",
        "REDIS_PASSWORD",
        "SECRET_KEY",
    ]
    assert not re.search(r"\$\{\w*(PASSWORD|KEY)\w*:-[^}]", text)


@pytest.fixture(scope="module")
def redis_of_compose() -> Iterator[str]:
    """A server started with the command of the compose file; `host:port`."""
    if not (program := servers.find("redis-server")):
        pytest.skip("needs redis-server")
    port = servers.free_port()
    given = [
        str(part).replace("${REDIS_PASSWORD}", "known") for part in COMPOSE["services"]["redis"]["command"]
    ]
    process = subprocess.Popen(
        [program, *given[1:], "--port", str(port)], stdout=subprocess.DEVNULL, env=dict(os.environ)
    )
    client = redis.Redis(port=port, username="cache", password="known")
    while process.poll() is None:
        try:
            client.ping()
            break
        except redis.ConnectionError:
            continue
    yield f"localhost:{port}"
    process.terminate()
    process.wait()


def test_redis_answers_nobody_without_a_password(redis_of_compose: str) -> None:
    for user in (None, "cache", "broker"):
        url = f"redis://{user}:wrong@{redis_of_compose}/0" if user else f"redis://{redis_of_compose}/0"
        with pytest.raises(redis.AuthenticationError):
            redis.Redis.from_url(url).get(":1:a")


def test_cache_and_broker_work_and_do_not_reach_each_other(redis_of_compose: str, tmp_path: Path) -> None:
    cache_url, broker_url = (
        f"redis://cache:known@{redis_of_compose}/1",
        f"redis://broker:known@{redis_of_compose}/0",
    )
    options = environment.cache(cache_url, tmp_path)
    cache = RedisCache(options["LOCATION"], {"OPTIONS": options["OPTIONS"]})
    cache.set("a", (1, b"2"))
    assert cache.get("a") == (1, b"2")
    assert cache.add("n", 1)
    assert cache.incr("n") == 2
    with Connection(broker_url, transport_options=environment.broker(broker_url, tmp_path)[1]) as broker:
        queue = broker.SimpleQueue("reports")
        queue.put({"bell": True})
        message = queue.get(timeout=10)
        assert message.payload == {"bell": True}
        message.ack()
        queue.close()
    for url, key in ((cache_url, "reports"), (broker_url, ":1:a")):
        with pytest.raises(redis.exceptions.NoPermissionError):
            redis.Redis.from_url(url).get(key)
        with pytest.raises(redis.exceptions.NoPermissionError):
            redis.Redis.from_url(url).config_get("*")
