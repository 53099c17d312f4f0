"""An unmigrated database, an absent broker, half of S3: told by /readyz, the doctor and the desk, and never as a 500."""

import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings

from tests import servers
from tests.site import running_site

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    "/",
    "/s/demo/",
    "/p/some-token/",
    "/admin/",
    "/admin/login/",
    "/reports/demo/",
    "/api/v1/studies/",
    "/recruitment/demo/",
)
SIGN_IN = """
from django.contrib.auth.models import User
from django.test import Client
client = Client()
client.force_login(User.objects.create_superuser("ada"), backend="django.contrib.auth.backends.ModelBackend")
print(client.cookies["sessionid"].value)
"""


@contextmanager
def started(folder: Path, *, migrated: bool, **variables: str) -> Iterator[tuple[int, str]]:
    """The real server on that folder: its port, and the session of a superuser where the database has one."""
    session = ""
    if migrated:
        running_site.manage(folder, "migrate", "-v", "0")
        session = running_site.manage(folder, "shell", "-v", "0", "-c", SIGN_IN).split()[-1]
    running_site.manage(folder, "collectstatic", "--noinput", "-v", "0")
    with running_site.served(folder, **variables) as port:
        yield port, session


def answer(port: int, path: str, session: str = "") -> tuple[int, str]:
    headers = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={session}"} if session else {}
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def doctor(folder: Path, **variables: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", "doctor"],
        env=running_site.environment(folder, **variables),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


@pytest.fixture(autouse=True)
def _no_keys_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)


def test_a_database_without_tables(tmp_path: Path) -> None:
    with started(tmp_path, migrated=False) as (port, _):
        met = {page: answer(port, page) for page in PAGES}
        desk = answer(port, "/admin/", "a-session-of-before")
        ready = answer(port, "/readyz")[0]
    assert {page: status for page, (status, _) in met.items() if status >= 500 and status != 503} == {}
    assert met["/s/demo/"][0] == met["/p/some-token/"][0] == 503
    assert "reload this page" in met["/s/demo/"][1]
    assert ready == 503
    assert desk[0] == 503
    assert "manage.py doctor" in desk[1]
    assert "manage.py migrate" in doctor(tmp_path)


def test_a_broker_and_a_cache_that_are_away(tmp_path: Path) -> None:
    nobody = servers.free_port()
    away = {
        "CELERY_BROKER_URL": f"redis://127.0.0.1:{nobody}/0",
        "CACHE_URL": f"redis://127.0.0.1:{nobody}/1",
    }
    with started(tmp_path, migrated=True, **away) as (port, session):
        met = {page: answer(port, page)[0] for page in PAGES}
        ready, told = answer(port, "/readyz", session)
        desk = answer(port, "/admin/", session)
    assert {page: status for page, status in met.items() if status >= 500 and status != 503} == {}
    assert (ready, '"broker": "ok"' in told) == (503, False)
    assert desk[0] == 200
    assert "Broker: failed" in desk[1]
    said = doctor(tmp_path, **away)
    assert "start Redis" in said


@pytest.mark.parametrize(
    "keys", [{}, {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}], ids=["no keys", "nobody there"]
)
def test_half_of_an_object_store(tmp_path: Path, keys: dict[str, str]) -> None:
    at = f"http://127.0.0.1:{servers.free_port()}"
    half = {
        "STORAGE_URL": f"s3://bucket/media?endpoint={at}&region=us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        **keys,
    }
    with started(tmp_path, migrated=True, **half) as (port, session):
        met = {page: answer(port, page)[0] for page in PAGES}
        ready, told = answer(port, "/readyz", session)
        desk = answer(port, "/admin/", session)
    assert {page: status for page, status in met.items() if status >= 500 and status != 503} == {}
    assert (ready, '"storage": "ok"' in told) == (503, False)
    assert desk[0] == 200
    assert "Storage: the object store cannot be asked (" in desk[1]
    assert "STORAGE_URL" in doctor(tmp_path, **half)
