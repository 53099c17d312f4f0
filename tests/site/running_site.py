"""The site as it runs on a server: real processes, real sockets."""

import contextlib
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from survey_site.demo.processes import server_arguments
from tests import servers

ROOT = Path(__file__).resolve().parents[2]
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
PATIENCE_S = 20


def environment(folder: Path, **variables: str) -> dict[str, str]:
    """Of a site with its data in the folder; nothing of the developer's own settings."""
    ours = ("PATH", "HOME", "PYTHONPYCACHEPREFIX")
    kept = {name: os.environ[name] for name in ours if name in os.environ}
    return kept | {"DATA_DIR": str(folder)} | variables


def manage(folder: Path, *command: str, **variables: str) -> str:
    """What `manage.py command` prints."""
    done = subprocess.run(
        [sys.executable, "manage.py", *command],
        env=environment(folder, **variables),
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout


@contextlib.contextmanager
def running(folder: Path, **variables: str) -> Iterator[int]:
    """The server of the demo and of docker-compose.yml, with a database of its own in the folder: its port."""
    manage(folder, "migrate", "-v", "0", **variables)
    manage(folder, "collectstatic", "--noinput", "-v", "0", **variables)
    with served(folder, **variables) as port:
        yield port


@contextlib.contextmanager
def served(folder: Path, **variables: str) -> Iterator[int]:
    """The server alone, on what is in the folder: its port."""
    port = servers.free_port()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *server_arguments(port)],
            env=environment(folder, **variables),
            cwd=ROOT,
            stdout=log,
            stderr=log,
        )
    try:
        while process.poll() is None:
            try:
                assert status(port, "/healthz") == 200
                break
            except urllib.error.URLError:
                continue
        assert process.poll() is None, (folder / "log").read_text()
        yield port
    finally:
        process.terminate()
        process.wait(20)


def status(port: int, path: str, body: bytes | None = None, **headers: str) -> int:
    """Of the answer to a GET, or to a POST of the body."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def sent(port: int, data: bytes) -> socket.socket:
    """A connection over which so much went, and nothing more will."""
    held = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
    held.sendall(data)
    return held


def half_sent(port: int, path: str, length: int, extra: bytes = FORM) -> socket.socket:
    """A connection that announced so many bytes and sent three."""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n".encode()
    return sent(port, head + extra + b"\r\na=1")


def everything(port: int, data: bytes) -> bytes:
    """All that comes back until the other side closes."""
    with sent(port, data) as one:
        answer = b""
        with contextlib.suppress(ConnectionError):
            while part := one.recv(65536):
                answer += part
        return answer
