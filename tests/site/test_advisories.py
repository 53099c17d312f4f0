"""The audit of dependencies, against an index of its own."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests import advisories


class Index(BaseHTTPRequestHandler):
    """Knows one advisory, of bad 1.0."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
        bad = [
            {"vulns": [{"id": "X-1"}]} if (q["package"]["name"], q["version"]) == ("bad", "1.0") else {}
            for q in asked
        ]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"results": bad}).encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def index() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Index)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_package_with_an_advisory_is_named(index: str) -> None:
    assert advisories.known([("bad", "1.0"), ("bad", "2.0"), ("good", "1.0")], index) == ["bad 1.0: X-1"]


def test_every_lock_is_looked_at() -> None:
    names = dict(advisories.locked())
    assert {"django", "granian", "numpy"} <= set(names)
    assert len(names) > 100


def test_where_the_index_does_not_answer_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def silent(*args: object) -> list[str]:
        raise OSError

    monkeypatch.setattr(advisories, "known", silent)
    assert advisories.main() == 0
    assert "NOT CHECKED" in capsys.readouterr().out
