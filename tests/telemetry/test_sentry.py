"""Failures are reported to a server that speaks Sentry's protocol, and nobody can be recognised in them."""

import gzip
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from survey_site.telemetry import failures
from tests.stack.waiting import until

ROOT = Path(__file__).resolve().parents[2]
PERSONAL = ("jane", "hunter2", "203.0.113.77", "secret-token", "Firefox", "a-local-value")
SCRIPT = """
import django; django.setup()
import survey_site.telemetry.context as context
from django.test import Client
from survey_site.trials.views import home

def failing(*_, **__):
    note = "a-local-value jane"
    raise RuntimeError("cannot show /p/secret-token/ to jane@example.org")

home.Study.objects.filter = failing
client = Client(raise_request_exception=False, REMOTE_ADDR="203.0.113.77", HTTP_USER_AGENT="Firefox", HTTP_HOST="localhost")
assert client.post("/?mail=jane", {"password": "hunter2"}).status_code in (405, 500)
assert client.get("/?mail=jane").status_code == 500
import sentry_sdk; sentry_sdk.flush(10)
"""


@pytest.fixture
def received() -> Iterator[tuple[str, list[str]]]:
    """A server's address as a DSN, and the bodies that it was sent."""
    bodies: list[str] = []

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            zipped = self.headers.get("Content-Encoding") == "gzip"
            bodies.append((gzip.decompress(body) if zipped else body).decode())
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://0123456789abcdef@127.0.0.1:{server.server_port}/7", bodies
    server.shutdown()


def test_a_failure_is_reported_without_anybodys_data(received: tuple[str, list[str]], tmp_path: Path) -> None:
    dsn, bodies = received
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment = {
        **kept,
        "DATA_DIR": str(tmp_path),
        "SENTRY_DSN": dsn,
        "NO_PROXY": "*",
        "DJANGO_SETTINGS_MODULE": "survey_site.settings",
    }
    subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], env=environment, cwd=ROOT, check=True)
    subprocess.run(
        [sys.executable, "manage.py", "collectstatic", "--noinput", "-v", "0"],
        env=environment,
        cwd=ROOT,
        check=True,
    )
    subprocess.run([sys.executable, "-c", SCRIPT], env=environment, cwd=ROOT, check=True)
    until(lambda: any("RuntimeError" in body for body in bodies), "the failure is reported", 10)
    everything = "".join(bodies)
    for secret in PERSONAL:
        assert secret not in everything
    event = next(json.loads(line) for line in everything.splitlines() if '"exception"' in line)
    (raised,) = event["exception"]["values"]
    assert raised["value"] == "cannot show /p/…/ to …@…"
    assert event["release"].startswith("saliency-survey@")
    assert not {"request", "user", "server_name", "breadcrumbs"} & set(event)


@pytest.mark.parametrize("value", ["x", "https://host/1", "https://key@host/", "ftp://key@host/1"])
def test_what_is_no_address_of_a_project_is_known(value: str) -> None:
    assert not failures.is_dsn(value)
