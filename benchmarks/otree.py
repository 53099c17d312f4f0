"""The same load on oTree and on this site, in turn: pages per second, and CPU per page of server, client and database.

python -m venv /tmp/otree && /tmp/otree/bin/pip install otree psycopg2-binary
python -m benchmarks otree --environment /tmp/otree                       both on SQLite
DATABASE_URL=postgres://… python -m benchmarks otree --environment …      both on that PostgreSQL, in databases of their own

oTree is not among our requirements: it is run as its manual says (`otree prodserver`, one process, which is all that it
has), with an app of one question a page and as many pages as a participant of ours answers. A page is a GET and the POST
that answers it, without pictures and without think time.
"""

import argparse
import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from benchmarks.load import quantile, report_cpu
from benchmarks.load_client import JSON, Reply, Visitor
from benchmarks.load_site import Spent, cpu, family
from tests import servers

ROOT = Path(__file__).resolve().parent.parent
REST_KEY = "benchmark"
PAGES = 27  # of a participant of benchmarks/load_site.py, the pages between trials included
FORM_FIELD = re.compile(r"<input[^>]*>")
SETTINGS = """
SESSION_CONFIGS = [dict(name="faith", app_sequence=["faith"], num_demo_participants=1)]
SESSION_CONFIG_DEFAULTS = dict(real_world_currency_per_point=1.00, participation_fee=0.00, doc="")
PARTICIPANT_FIELDS = []
SESSION_FIELDS = []
LANGUAGE_CODE = "en"
REAL_WORLD_CURRENCY_CODE = "USD"
USE_POINTS = True
ADMIN_USERNAME = "admin"
ADMIN_PASSWORD = "benchmark"
SECRET_KEY = "benchmark"
"""
APP = """
from otree.api import *

class C(BaseConstants):
    NAME_IN_URL = "faith"
    PLAYERS_PER_GROUP = None
    NUM_ROUNDS = {pages}

class Subsession(BaseSubsession):
    pass

class Group(BaseGroup):
    pass

class Player(BasePlayer):
    choice = models.IntegerField(choices=[1, 2, 3, 4], widget=widgets.RadioSelect)

class Choose(Page):
    form_model = "player"
    form_fields = ["choice"]

page_sequence = [Choose]
"""
PAGE = """
{{ block title }}Which picture is the original?{{ endblock }}
{{ block content }}
<img src="/static/1.png" alt=""><img src="/static/2.png" alt="">
<img src="/static/3.png" alt=""><img src="/static/4.png" alt="">
{{ formfields }}
{{ next_button }}
{{ endblock }}
"""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--environment", type=Path, required=True, help="folder with bin/otree")
    parser.add_argument("--participants", type=int, nargs="+", default=[25])
    parser.add_argument("--rounds", type=int, default=2, help="each of the two in turn, so often")
    options = parser.parse_args()
    program = options.environment / "bin" / "otree"
    if not program.exists():
        parser.error(f"{program} is not there; the first lines of this file say how to make it")
    failed = 0
    for number in options.participants:
        for _ in range(options.rounds):
            for more in ([], ["--scripts"]):
                print(f"── this site{' (with scripts)' if more else ''} ──", flush=True)
                ours = [sys.executable, "-m", "benchmarks.load", "--participants", str(number), *more]
                failed += subprocess.run(ours, cwd=ROOT, check=False).returncode
            print("── oTree ──", flush=True)
            failed += played(program, number)
    return int(failed > 0)


def played(program: Path, number: int) -> int:
    """One run on a new site; the number of errors."""
    with serving(program) as (url, server, database):
        start = session(url, number)
        before = Spent(*_spent(server, database))
        began = time.perf_counter()
        logs = asyncio.run(_together(url, start, number))
        seconds = time.perf_counter() - began
        after = Spent(*_spent(server, database))
    posts = [value for log in logs for value in log]
    errors = number * PAGES - len(posts)
    print(f"{number} participants, {len(posts)} answers, {seconds:.1f} s\n{len(posts) / seconds:.0f} pages/s")
    print(f"answer POST p50 {1000 * quantile(posts, 0.5):.0f} ms, p99 {1000 * quantile(posts, 0.99):.0f} ms")
    report_cpu(before, after, max(len(posts), 1))
    print(f"errors: {errors}\nload of the machine, this run included: {os.getloadavg()[0]:.1f}", flush=True)
    return errors


@contextmanager
def serving(program: Path) -> Iterator[tuple[str, int, str]]:
    """oTree with the app in a folder of its own: its address, its process, and its database's URL or ''."""
    port = servers.free_port()
    with tempfile.TemporaryDirectory(prefix="otree-") as name, own_database() as database:
        folder = Path(name)
        (folder / "settings.py").write_text(SETTINGS, "utf-8")
        for part in ("faith", "_static", "_templates"):
            (folder / part).mkdir()
        (folder / "faith" / "__init__.py").write_text(APP.format(pages=PAGES), "utf-8")
        (folder / "faith" / "Choose.html").write_text(PAGE, "utf-8")
        environment = {
            "PATH": f"{program.parent}:{os.environ['PATH']}",
            "OTREE_PRODUCTION": "1",
            "OTREE_REST_KEY": REST_KEY,
            **({"DATABASE_URL": database} if database else {}),
        }
        subprocess.run(
            [program, "resetdb", "--noinput"],
            cwd=folder,
            env=environment,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        with (folder / "log").open("wb") as log:
            command = [program, "prodserver1of2", f"127.0.0.1:{port}"]
            server = subprocess.Popen(
                command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
            )
            try:
                servers.wait_for(port, server)
                yield f"http://127.0.0.1:{port}", server.pid, database
            finally:
                os.killpg(server.pid, signal.SIGTERM)  # it starts a second program
                server.wait(20)


@contextmanager
def own_database() -> Iterator[str]:
    """A database beside that of DATABASE_URL where it is PostgreSQL; else '', which is oTree's SQLite."""
    given = os.environ.get("DATABASE_URL", "")
    if not given.startswith("postgres"):
        yield ""
        return
    name = f"otree_{os.getpid()}"
    with psycopg.connect(given, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield urlsplit(given)._replace(path=f"/{name}").geturl()
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def session(url: str, number: int) -> str:
    """A new session for so many; the path by which each of them begins."""
    body = json.dumps({"session_config_name": "faith", "num_participants": number}).encode()
    asked = urllib.request.Request(
        f"{url}/api/sessions", body, {"Content-Type": JSON, "otree-rest-key": REST_KEY}
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked, timeout=120) as reply:
        return urlsplit(json.load(reply)["session_wide_url"]).path


async def _together(url: str, start: str, number: int) -> list[list[float]]:
    return await asyncio.gather(*(_one(url, start) for _ in range(number)))


async def _one(url: str, start: str) -> list[float]:
    """Seconds of each POST of one participant, up to the first thing that went wrong."""
    seconds: list[float] = []
    try:
        async with Visitor(url) as visitor:
            path, reply = await _arrived(visitor, start, await visitor.send(start))
            while fields := _fields(reply.text):
                began = time.perf_counter()
                posted = await visitor.send(path, fields)
                seconds.append(time.perf_counter() - began)
                path, reply = await _arrived(visitor, path, posted)
    except (OSError, EOFError, TimeoutError, ValueError) as error:
        print(f"{type(error).__name__}: {error}")
    return seconds


async def _arrived(visitor: Visitor, path: str, reply: Reply) -> tuple[str, Reply]:
    """Where redirections lead, and the page there."""
    while reply.status in (302, 303, 307):
        path = urlsplit(reply.headers["location"]).path
        reply = await visitor.send(path)
    return path, reply


def _fields(page: str) -> dict[str, str]:
    """What a browser sends for the form with its first option ticked; nothing where the page asks nothing."""
    found: dict[str, str] = {}
    for tag in FORM_FIELD.findall(page):
        told = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        if told.get("type") in ("hidden", "radio") and "name" in told:
            found.setdefault(told["name"], told.get("value", ""))
    return found if "choice" in found else {}


def _spent(server: int, database: str) -> tuple[float | None, float, float | None]:
    backends: list[int] = []
    if database:
        with psycopg.connect(database) as connection:
            rows = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            backends = [pid for (pid,) in rows.fetchall()]
    return cpu(family(server)), time.process_time(), cpu(backends)


if __name__ == "__main__":
    sys.exit(main())
