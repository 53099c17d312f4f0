"""The programs of a stack as parts: how each is started, and how it is known to work."""

import contextlib
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

import boto3
import psycopg
import redis
import yaml
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from survey_site.demo.processes import server_arguments
from tests import front_server, servers
from tests.stack.leash import Leash
from tests.stack.part import ROOT, Part
from tests.stack.waiting import until

COMPOSE = ROOT / "docker-compose.yml"
SUITE = "suite"
"""Redis's user for whoever looks at the messages from outside; compose has none."""


def answers(url: str) -> bool:
    """Whether a GET of the address succeeds, asked without a proxy of the environment."""
    with contextlib.suppress(URLError, OSError), build_opener(ProxyHandler({})).open(url, timeout=2) as reply:
        return bool(reply.status == 200)
    return False


def database(folder: Path, log: Path, leash: Leash, options: Mapping[str, str]) -> tuple[Part, str]:
    """PostgreSQL with its data in the folder, made at the first start; and its URL. Every commit reaches the disk."""
    port, owner = servers.free_port(), servers.unprivileged(str(folder))
    password, data = folder / "password", folder / "data"
    if not password.exists():
        password.write_text(secrets.token_hex(24))
        if owner:
            servers.hand_over(password, owner)
    url = f"postgres://survey:{password.read_text()}@127.0.0.1:{port}/postgres"

    def prepare() -> None:
        if not (data / "PG_VERSION").exists():
            made = [f"{servers.find('initdb')}", "-D", str(data), "-U", "survey", "-E", "UTF8", "--locale=C"]
            made += ["-A", "scram-sha-256", f"--pwfile={password}"]
            subprocess.run(made, check=True, user=owner, cwd=folder, stdout=subprocess.DEVNULL)

    def ready(_: str) -> bool:
        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(url, connect_timeout=2).close()
            return True
        return False

    chosen = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", **options}
    settings = [text for name, value in chosen.items() for text in ("-c", f"{name}={value}")]
    command = [str(servers.find("postgres")), "-D", str(data), "-p", str(port), *settings]
    part = Part("PostgreSQL", command, log, leash, ready, user=owner, folder=folder, before=prepare)
    part.stop_signal = signal.SIGINT  # waits for nobody's connection
    return part, url


def broker(folder: Path, log: Path, leash: Leash) -> tuple[Part, Callable[[str, int], str]]:
    """Redis with the users and passwords of docker-compose.yml; and the URL of a user and number of it."""
    port, password = servers.free_port(), secrets.token_hex(24)
    given = yaml.safe_load(COMPOSE.read_text("utf-8"))["services"]["redis"]["command"][1:]
    own = [str(part).replace("${REDIS_PASSWORD}", password) for part in given]
    watching = ["--user", SUITE, "on", f">{password}", "~*", "&*", "+@all"]
    place = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
    command = [str(servers.find("redis-server")), *own, *watching, *place]

    def url(user: str, number: int) -> str:
        return f"redis://{user}:{password}@127.0.0.1:{port}/{number}"

    def ready(_: str) -> bool:
        with contextlib.suppress(redis.ConnectionError), redis.Redis.from_url(url("cache", 1)) as client:
            return bool(client.ping())
        return False

    return Part("Redis", command, log, leash, ready, folder=folder), url


def web(
    name: str, port: int, log: Path, leash: Leash, environment: Mapping[str, str], processes: int
) -> Part:
    """The web process of docker-compose.yml."""
    command = [sys.executable, *server_arguments(port, workers=processes), "--log-level", "warning"]

    def ready(_: str) -> bool:
        return answers(f"http://127.0.0.1:{port}/healthz")

    return Part(name, command, log, leash, ready, environment)


def celery(
    name: str, arguments: Sequence[str], log: Path, leash: Leash, environment: Mapping[str, str]
) -> Part:
    """A worker of either queue; ready when it says so."""
    return Part(name, [sys.executable, *arguments], log, leash, lambda said: "ready." in said, environment)


WORKER = ("-m", "saliency_worker", "worker")
SCHEDULER = ("manage.py", "scheduler")
REPORTS = ("-m", "celery", "-A", "survey_site", "worker", "-Q", "reports", "-P", "solo", "-l", "info")


def front(
    folder: Path, log: Path, leash: Leash, data: Path
) -> tuple[Part, int, Callable[[Sequence[int]], None]]:
    """nginx with the file of `deploy/`; its own port; and what sends it to these ports of web processes from now on."""
    port = servers.free_port()

    def send_to(sites: Sequence[int]) -> None:
        behind = "; server ".join(f"127.0.0.1:{site}" for site in sites)
        command = front_server.command(folder, f"127.0.0.1:{port}", behind, data)
        if not part.is_running():
            part.command = command
            return
        before = part.children()
        part.signal(signal.SIGHUP)  # the old processes end what they have begun, and take nothing new
        until(lambda: not before & part.children(), "nginx has read its configuration", 60)

    part = Part("nginx", (), log, leash, lambda _: answers(f"http://127.0.0.1:{port}/healthz"))
    part.stop_signal = signal.SIGQUIT  # ends what it has begun
    return part, port, send_to


BUCKET = "survey"


def objects(log: Path, leash: Leash) -> tuple[Part, dict[str, str]]:
    """An object store that speaks S3 and keeps everything in memory (moto); and the variables that point the site at it."""
    port = servers.free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    keys = {"AWS_ACCESS_KEY_ID": "survey", "AWS_SECRET_ACCESS_KEY": secrets.token_hex(16)}

    def ready(_: str) -> bool:
        """The bucket is made with the first look that succeeds."""
        session = boto3.session.Session(*keys.values(), region_name="us-east-1")
        client = session.client("s3", endpoint_url=url, config=Config(retries={"total_max_attempts": 1}))
        with contextlib.suppress(BotoCoreError):
            client.create_bucket(Bucket=BUCKET)
            return True
        return False

    storage = f"s3://{BUCKET}/media?endpoint={url}&region=us-east-1"
    return Part("object store", command, log, leash, ready), {**keys, "STORAGE_URL": storage}
