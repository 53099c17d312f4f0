"""The gate before the object store does what its modes say, and what is behind it is reached again after."""

import http.server
import threading
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest

from tests.faults.gate import Gate, Mode


class Echo(http.server.BaseHTTPRequestHandler):
    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def gate() -> Iterator[Gate]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    with Gate(server.server_port) as made:
        yield made
    server.shutdown()
    server.server_close()


def put(gate: Gate, body: bytes, seconds: float = 30) -> tuple[int, bytes]:
    connection = HTTPConnection("127.0.0.1", gate.port, timeout=seconds)
    try:
        connection.request("PUT", "/x", body)
        reply = connection.getresponse()
        return reply.status, reply.read()
    finally:
        connection.close()


def test_each_mode_and_back(gate: Gate) -> None:
    body = b"a picture" * 50_000
    assert put(gate, body) == (200, body)
    gate.turn(Mode.BUSY)
    status, told = put(gate, body)
    assert status == 503 and b"SlowDown" in told and told.endswith(b"</Error>\n")
    gate.turn(Mode.OPEN)
    assert put(gate, body) == (200, body)
    gate.turn(Mode.AWAY)
    with pytest.raises(ConnectionRefusedError):
        put(gate, body)
    gate.turn(Mode.OPEN)
    assert put(gate, body) == (200, body)
    gate.turn(Mode.SILENT)
    with pytest.raises(TimeoutError):
        put(gate, b"x", seconds=0.2)
    gate.turn(Mode.OPEN)
    assert put(gate, body) == (200, body)


def test_a_connection_that_was_open_before_falls_silent_too(gate: Gate) -> None:
    connection = HTTPConnection("127.0.0.1", gate.port, timeout=0.2)
    gate.turn(Mode.OPEN)
    gate.turn(Mode.SILENT)
    connection.request("PUT", "/x", b"a")
    with pytest.raises(TimeoutError):
        connection.getresponse()
    connection.close()
