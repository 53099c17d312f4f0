"""What docker-compose.yml leaves open: rights of services, ways in, passwords, and what its Redis lets each user reach."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address, ip_network
from pathlib import Path
from threading import Thread

import psycopg
import pytest
import redis
from django.core.cache.backends.redis import RedisCache
from kombu import Connection

from survey_site import environment_stores as stores
from tests import servers
from tests.site.compose import COMPOSE, ROOT
from tests.stack import programs
from tests.stack.leash import Leash


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_every_service_is_bounded_watched_and_without_rights_that_it_does_not_need(name: str) -> None:
    given = COMPOSE["services"][name]
    assert given["security_opt"] == ["no-new-privileges:true"]
    assert given["cap_drop"] == ["ALL"]
    assert given["read_only"] is True
    assert "user" in given or "unprivileged" in given["image"]
    assert not str(given.get("user", "10001")).startswith(("0", "root"))
    if name != "prepare":  # which ends
        assert given["restart"] == "unless-stopped"
        assert given["healthcheck"]["test"][0].startswith("CMD")
        assert {"cpus", "memory"} <= set(given["deploy"]["resources"]["limits"])


class Fine(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("name", ["web", "worker", "front"])
def test_a_service_is_asked_past_any_proxy_of_the_environment(name: str) -> None:
    """The proxy that Docker hands to containers would look for its own 127.0.0.1."""
    _, *command = COMPOSE["services"][name]["healthcheck"]["test"]
    if command[0] == "wget":  # busybox's
        assert command[1:3] == ["-Y", "off"]
        return
    dead = {"http_proxy": f"http://127.0.0.1:{servers.free_port()}"}
    with HTTPServer(("127.0.0.1", 0), Fine) as service:
        service.timeout = 10
        answering = Thread(target=service.handle_request)
        answering.start()
        code = re.sub(r"127\.0\.0\.1:\d+", f"127.0.0.1:{service.server_port}", command[2])
        asked = subprocess.run([sys.executable, "-c", code], env=dead, capture_output=True, check=False)
        answering.join()
    assert asked.returncode == 0, asked.stderr


def test_front_alone_is_believed_about_where_visitors_come_from() -> None:
    front = COMPOSE["services"]["front"]["networks"]["inner"]["ipv4_address"]
    assert COMPOSE["x-app"]["environment"]["TRUSTED_PROXIES"].startswith(f"{front},")
    (pool,) = COMPOSE["networks"]["inner"]["ipam"]["config"]
    own, network, given = (re.sub(r"^\$\{\w+:-|\}$", "", value) for value in (front, *pool.values()))
    assert ip_address(own) in ip_network(network) and ip_address(own) not in ip_network(given)


def test_only_front_server_and_object_store_are_reached_from_outside() -> None:
    assert {name for name, given in COMPOSE["services"].items() if "ports" in given} == {"front", "objects"}


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


def test_postgresql_logs_no_values_of_the_rows_that_it_refuses(tmp_path: Path) -> None:
    if not servers.find("initdb"):
        pytest.skip("needs PostgreSQL")
    command = COMPOSE["services"]["database"]["command"]
    log, leash = tmp_path / "log", Leash()
    with tempfile.TemporaryDirectory(prefix="pg-") as folder:
        options = dict(re.findall(r" -c (\w+)=(\w+)", command))
        database, url = programs.database(Path(folder), log, leash, options)
        database.start()
        try:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("CREATE TABLE people (mail text PRIMARY KEY)")
                connection.execute("INSERT INTO people VALUES ('ann@example.org')")
                with pytest.raises(psycopg.errors.UniqueViolation):
                    connection.execute("INSERT INTO people VALUES ('ann@example.org')")
        finally:
            database.stop()
            leash.close()
    assert "duplicate key" in log.read_text()
    assert "ann@example.org" not in log.read_text()


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
    options = stores.cache(cache_url, tmp_path)
    cache = RedisCache(options["LOCATION"], {"OPTIONS": options["OPTIONS"]})
    cache.set("a", (1, b"2"))
    assert cache.get("a") == (1, b"2")
    assert cache.add("n", 1)
    assert cache.incr("n") == 2
    with Connection(broker_url, transport_options=stores.broker(broker_url, tmp_path)[1]) as broker:
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
