"""Whoever begins to send a form and never ends holds a connection, and not the site."""

import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from survey_site.demo.management.commands.demo import server_arguments
from tests import servers

ROOT = Path(__file__).resolve().parents[2]
HELD = 64
MULTIPART = b"Content-Type: multipart/form-data; boundary=x\r\n"


@pytest.fixture(scope="module")
def port(site: tuple[int, Path]) -> int:
    return site[0]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """The server of the demo and of docker-compose.yml, with a database of its own."""
    folder = tmp_path_factory.mktemp("site")
    ours = ("PATH", "HOME", "PYTHONPYCACHEPREFIX")
    environment = {name: os.environ[name] for name in ours if name in os.environ} | {"DATA_DIR": str(folder)}
    for command in (["migrate", "-v", "0"], ["collectstatic", "--noinput", "-v", "0"]):
        subprocess.run([sys.executable, "manage.py", *command], env=environment, cwd=ROOT, check=True)
    port = servers.free_port()
    with (folder / "log").open("wb") as log:
        command = [sys.executable, *server_arguments(port)]
        process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=log, stderr=log)
    try:
        while process.poll() is None:
            try:
                assert status(port, "/healthz") == 200
                break
            except urllib.error.URLError:
                continue
        assert process.poll() is None, (folder / "log").read_text()
        yield port, folder
    finally:
        process.terminate()
        process.wait(20)


def status(port: int, path: str, body: bytes | None = None, **headers: str) -> int:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def half_sent(port: int, path: str, length: int, extra: bytes = b"") -> socket.socket:
    """A connection that announced so many bytes and sent three."""
    held = socket.create_connection(("127.0.0.1", port), 20)
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n".encode()
    held.sendall(head + (extra or b"Content-Type: application/x-www-form-urlencoded\r\n") + b"\r\na=1")
    return held


def test_the_site_answers_while_sixty_four_forms_are_half_sent(port: int) -> None:
    with ExitStack() as stack:
        for number in range(HELD):
            path = ("/admin/login/", "/s/x/", "/healthz", "/api/v1/")[number % 4]
            stack.enter_context(half_sent(port, path, 1000))
        for _ in range(10):
            assert status(port, "/healthz") == 200
            assert status(port, "/admin/login/") == 200
            assert status(port, "/s/x/", b"consent=yes") in (403, 404)


def test_large_bodies_that_stop_half_way_are_refused_and_hold_nothing(port: int) -> None:
    with ExitStack() as stack:
        held = [stack.enter_context(half_sent(port, "/admin/login/", 10**8, MULTIPART)) for _ in range(HELD)]
        for one in held:
            assert b" 413 " in one.recv(100)
        assert status(port, "/healthz") == 200


def test_who_asks_for_large_files_and_reads_none_holds_nothing(site: tuple[int, Path]) -> None:
    port, folder = site
    static = folder / "static"
    largest = max(
        (p for p in static.rglob("*") if p.suffix in (".woff2", ".js")), key=lambda p: p.stat().st_size
    )
    assert largest.stat().st_size > 1_000_000
    line = (
        f"GET /static/{largest.relative_to(static).as_posix()} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    )
    with ExitStack() as stack:
        for _ in range(HELD):
            one = stack.enter_context(socket.create_connection(("127.0.0.1", port), 20))
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            one.sendall(line)
        for _ in range(5):
            assert status(port, "/healthz") == 200


def test_a_form_that_comes_in_pieces_is_read_whole(port: int) -> None:
    body = b"username=a&password=b"
    with socket.create_connection(("127.0.0.1", port), 20) as sender:
        head = b"POST /admin/login/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        head += b"Cookie: csrftoken=" + b"a" * 32 + b"\r\nX-CSRFToken: " + b"a" * 32 + b"\r\n"
        sender.sendall(head + f"Content-Length: {len(body)}\r\n".encode())
        sender.sendall(b"Content-Type: application/x-www-form-urlencoded\r\n\r\n" + body[:7])
        sender.sendall(body[7:])
        answer = b""
        while part := sender.recv(65536):
            answer += part
    assert answer.startswith(b"HTTP/1.1 200")
    assert b'value="a"' in answer


def test_what_is_no_request_gets_400_and_a_name_with_an_underscore_is_nobody_s(port: int) -> None:
    assert status(port, "/s/%00/") == 400
    assert status(port, "/s/%C3%A9%FF/") == 404
    with socket.create_connection(("127.0.0.1", port), 20) as sender:
        sender.sendall(b"GET /admin/login/ HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
        assert b" 400 " in sender.recv(100)
