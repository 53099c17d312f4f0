"""oTree's pages per second on this machine, for the ratio to `load`: a small project of its own, played by the same client.

python3 -m venv /tmp/otree && /tmp/otree/bin/pip install otree
python -m benchmarks.otree_peer --otree /tmp/otree/bin/otree --participants 60

A page shows four pictures' places and a radio button for each, as our matching trials do; there are as many pages as a
participant of `load` sees. oTree runs as its documentation has it for a server (`prodserver`), on SQLite or DATABASE_URL.
"""

import argparse
import asyncio
import os
import re
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.load_client import Log, Visitor
from benchmarks.load_site import Spent
from tests import servers

PAGES = 27
SETTINGS = """
SESSION_CONFIGS = [dict(name="peer", app_sequence=["peer"], num_demo_participants={participants})]
SESSION_CONFIG_DEFAULTS = dict(real_world_currency_per_point=1, participation_fee=0, doc="")
PARTICIPANT_FIELDS, SESSION_FIELDS, LANGUAGE_CODE = [], [], "en"
REAL_WORLD_CURRENCY_CODE, USE_POINTS, ADMIN_USERNAME = "USD", False, "admin"
ADMIN_PASSWORD, DEMO_PAGE_INTRO_HTML, SECRET_KEY = None, "", "{key}"
ROOMS = [dict(name="room", display_name="room")]
"""
APP = """
from otree.api import *
class C(BaseConstants):
    NAME_IN_URL, PLAYERS_PER_GROUP, NUM_ROUNDS = "peer", None, {pages}
class Subsession(BaseSubsession): pass
class Group(BaseGroup): pass
class Player(BasePlayer):
    choice = models.IntegerField(choices=[0, 1, 2, 3], widget=widgets.RadioSelect)
class Trial(Page):
    form_model, form_fields = "player", ["choice"]
page_sequence = [Trial]
"""
TEMPLATE = """{{{{ block title }}}}Which one?{{{{ endblock }}}}{{{{ block content }}}}
<img src="/static/0.png">{pictures}{{{{ formfields }}}}{{{{ next_button }}}}{{{{ endblock }}}}"""
FIELD = re.compile(r'name="(csrftoken|choice)"')


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--otree", required=True, help="the program `otree` of a virtual environment")
    parser.add_argument("--participants", type=int, default=60)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="otree-") as place:
        folder = Path(place)
        os.environ |= {
            "DATA_DIR": place,
            "DJANGO_SETTINGS_MODULE": "survey_site.settings",
        }  # for the look at the CPU
        (folder / "settings.py").write_text(
            SETTINGS.format(participants=options.participants, key=secrets.token_hex(16))
        )
        for name in ("peer", "_static", "_templates"):
            (folder / name).mkdir()
        (folder / "peer" / "__init__.py").write_text(APP.format(pages=PAGES))
        pictures = "".join(f'<img src="/static/{n}.png">' for n in range(1, 5))
        (folder / "peer" / "Trial.html").write_text(TEMPLATE.format(pictures=pictures))
        environment = {**os.environ, "OTREE_PRODUCTION": "1", "OTREE_REST_KEY": "key"}
        environment["PATH"] = (
            f"{Path(options.otree).parent}{os.pathsep}{environment['PATH']}"  # it starts itself
        )
        run = {"cwd": folder, "env": environment}
        subprocess.run([options.otree, "resetdb", "--noinput"], check=True, stdout=subprocess.DEVNULL, **run)
        port = servers.free_port()
        server = subprocess.Popen([options.otree, "prodserver", str(port)], stdout=subprocess.DEVNULL, **run)
        try:
            servers.wait_for(port, server)
            return measured(f"http://127.0.0.1:{port}", server.pid, options.participants)
        finally:
            server.terminate()
            server.wait(20)


def measured(url: str, server: int, participants: int) -> int:
    """Plays everybody and prints the figures; returns the status."""
    import json
    import urllib.request

    body = json.dumps({"session_config_name": "peer", "num_participants": participants}).encode()
    headers = {"otree-rest-key": "key", "Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(f"{url}/api/sessions", body, headers)) as reply:
        session = json.load(reply)["code"]
    with urllib.request.urlopen(
        urllib.request.Request(f"{url}/api/sessions/{session}", headers=headers)
    ) as reply:
        found = json.load(reply)
    codes = [person["code"] for person in found["participants"]]
    before = Spent.now(server)
    logs, seconds = asyncio.run(_everybody(url, codes))
    after = Spent.now(server)
    pages = sum(len(log.posts_s) for log in logs)
    errors = [error for log in logs for error in log.errors]
    print(
        f"oTree: {participants} participants, {pages} pages, {seconds:.1f} s: {pages / seconds:.0f} pages/s (GET + POST)"
    )
    if before.server is not None and after.server is not None:
        print(f"CPU per page: server {1000 * (after.server - before.server) / pages:.1f} ms", end="  ")
        print(f"client {1000 * (after.client - before.client) / pages:.1f} ms")
    print(
        f"load of the machine, this run included: {os.getloadavg()[0]:.1f}; errors: {len(errors)} {errors[:2]}"
    )
    return int(bool(errors))


async def _everybody(url: str, codes: list[str]) -> tuple[list[Log], float]:
    logs = [Log() for _ in codes]
    began = time.perf_counter()
    await asyncio.gather(*(_play(url, code, log) for code, log in zip(codes, logs, strict=True)))
    return logs, time.perf_counter() - began


async def _play(url: str, code: str, log: Log) -> None:
    try:
        async with Visitor(url) as visitor:
            address = f"/InitializeParticipant/{code}"
            while len(log.posts_s) < PAGES:
                reply = await visitor.send(address)
                while reply.status in (302, 303):
                    address = reply.headers["location"].removeprefix(url)
                    reply = await visitor.send(address)
                if reply.status != 200 or 'name="choice"' not in reply.text:
                    log.errors.append(f"page answered {reply.status}")
                    return
                began = time.perf_counter()
                reply = await visitor.send(address, {"choice": "1"})
                log.posts_s.append(time.perf_counter() - began)
                if reply.status not in (302, 303):
                    log.errors.append(f"answer got {reply.status}")
                    return
                address = reply.headers["location"].removeprefix(url)
    except (OSError, EOFError, TimeoutError, ValueError) as error:
        log.errors.append(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    sys.exit(main())
