"""What the desk hands to the queue `reports`, done by a real worker beside a real server: sealing, then simulating."""

import contextlib
import re
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.site.running_site import ROOT, environment, manage, running

PATIENCE_S = 120
SECRET = "a" * 32
DRAFT = """
from django.test import Client
from django.contrib.auth.models import User
from survey_site.reports.sealing import AT_ONCE
from tests import factories
ada = User.objects.create_superuser("ada")
study = factories.draft("large", images=15, reserve=3, owner=ada)
assert study.stimuli.count() * (len(factories.METHODS) + 1) > AT_ONCE
client = Client()
client.force_login(ada)
print(study.pk, client.cookies["sessionid"].value)
"""


class Desk:
    """A researcher's browser, as far as it is needed."""

    def __init__(self, port: int, session: str) -> None:
        self._base = f"http://127.0.0.1:{port}"
        self._headers = {"Cookie": f"sessionid={session}; csrftoken={SECRET}"}

    def get(self, path: str) -> str:
        return self._send(path, None)

    def post(self, path: str, **fields: str) -> str:
        return self._send(path, urllib.parse.urlencode(fields | {"csrfmiddlewaretoken": SECRET}).encode())

    def _send(self, path: str, body: bytes | None) -> str:
        request = urllib.request.Request(self._base + path, body, self._headers)
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return str(answer.read().decode())


@contextlib.contextmanager
def worker(folder: Path) -> Iterator[None]:
    """Of the queue `reports`, as docker-compose.yml starts it."""
    command = [sys.executable, "-m", "celery", "-A", "survey_site", "worker", "-Q", "reports", "-P", "solo"]
    with (folder / "worker.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment(folder), cwd=ROOT, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def until(there: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while not there():
        assert time.monotonic() < end, f"{what} did not come about"
        time.sleep(0.3)


@pytest.mark.timeout(600)
def test_a_worker_seals_a_large_study_and_plays_it_as_the_desk_asks(tmp_path: Path) -> None:
    with running(tmp_path) as port:
        pk, session = manage(tmp_path, "shell", "-v", "0", "-c", DRAFT).split()
        desk, at = Desk(port, session), f"/admin/studies/study/{pk}"
        (seen,) = re.findall(r'name="seen" value="(\w+)"', desk.get(f"{at}/live/"))
        page = desk.post(f"{at}/live/", verb="live", seen=seen)
        assert 'id="sealing"' in page and "State: Draft" in page  # nobody is there to do it yet
        with worker(tmp_path):
            until(lambda: "State: Live" in desk.get(f"{at}/live/"), "the sealing")
            assert 'hx-get="' in desk.post(f"{at}/simulation/", participants="2")
            until(lambda: "2 are in the study: " in desk.get(f"{at}/simulation/"), "the simulation")
            until(lambda: "Playing" not in desk.get(f"{at}/simulation/"), "its end")
            assert "could not" not in desk.get(f"{at}/simulation/")
