"""Whoever begins to send a form and never ends holds a connection, and not the site: alone, and behind the front server."""

import select
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests import servers
from tests.front_server import nginx
from tests.site.running_site import FORM, everything, half_sent, running, sent, status

HELD = 64
MULTIPART = b"Content-Type: multipart/form-data; boundary=x\r\n"
CHUNKED = (
    b"POST /admin/login/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
    + FORM
    + b"\r\n3\r\na=1\r\n"
)
WAITING = (
    b"POST /s/x/ HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 9\r\n"
    + FORM
    + b"\r\n"
)
PATHS = ("/admin/login/", "/s/x/", "/healthz", "/api/v1/", "/admin/studies/study/1/images/", "/recruitment/x/")  # fmt: skip


@pytest.fixture(scope="module")
def site() -> Iterator[tuple[int, Path]]:
    with (
        tempfile.TemporaryDirectory(prefix="survey-") as name,
        running(Path(name), X_ACCEL_PREFIX="/protected/") as port,
    ):
        yield port, Path(name)


@pytest.fixture(scope="module")
def front(site: tuple[int, Path]) -> Iterator[int]:
    if not servers.find("nginx"):
        pytest.skip("needs nginx")
    with nginx(*site) as (port, _):
        yield port


@pytest.fixture(params=["alone", "behind nginx"])
def port(request: pytest.FixtureRequest, site: tuple[int, Path]) -> int:
    behind: int = site[0] if request.param == "alone" else request.getfixturevalue("front")
    return behind


def answers_as_before(port: int) -> None:
    assert status(port, "/healthz") == 200
    assert status(port, "/admin/login/") == 200
    assert status(port, "/s/x/", b"consent=yes") in (403, 404)


def test_the_site_answers_while_sixty_four_forms_are_half_sent(port: int) -> None:
    with ExitStack() as stack:
        for number in range(HELD):
            stack.enter_context(half_sent(port, PATHS[number % len(PATHS)], 1000))
        for _ in range(10):
            answers_as_before(port)


@pytest.mark.slow
def test_it_answers_for_two_minutes_of_that(port: int) -> None:
    """Whichever of the 64 is given up by the server is sent anew at once, so that all are held all the time."""
    until, looks, renewed = time.monotonic() + 120, 0, 0
    held = [half_sent(port, PATHS[number % len(PATHS)], 1000) for number in range(HELD)]
    try:
        while time.monotonic() < until:
            answers_as_before(port)
            looks += 1
            for one in select.select(held, [], [], 0)[0]:
                one.close()
                held[held.index(one)] = half_sent(port, PATHS[renewed % len(PATHS)], 1000)
                renewed += 1
    finally:
        for one in held:
            one.close()
    print(f"\n{looks} looks answered while {HELD} half-sent forms were held for 120 s; {renewed} sent anew")
    assert looks > 20


HALF = {
    "a line": b"GET /hea",
    "headers": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A: ",
    "a chunked form": CHUNKED,
    "a form that waits for 100": WAITING,
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}  # fmt: skip


@pytest.mark.parametrize("what", HALF)
def test_half_sent_heads_and_chunks_hold_nothing_either(port: int, what: str) -> None:
    with ExitStack() as stack:
        for _ in range(HELD):
            stack.enter_context(sent(port, HALF[what]))
        answers_as_before(port)


@pytest.mark.parametrize("path", PATHS[:2])
def test_large_bodies_that_stop_half_way_are_refused_and_hold_nothing(port: int, path: str) -> None:
    with ExitStack() as stack:
        held = [stack.enter_context(half_sent(port, path, 10**8, MULTIPART)) for _ in range(HELD)]
        for one in held:
            assert b" 413 " in one.recv(100)
        answers_as_before(port)


def test_who_asks_for_large_files_and_reads_none_holds_nothing(port: int, site: tuple[int, Path]) -> None:
    static = site[1] / "static"
    files = [path for path in static.rglob("*") if path.suffix in (".woff2", ".js")]
    largest = max(files, key=lambda path: path.stat().st_size)
    assert largest.stat().st_size > 1_000_000
    line = f"GET /static/{largest.relative_to(static).as_posix()} HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with ExitStack() as stack:
        for _ in range(HELD):
            one = stack.enter_context(socket.create_connection(("127.0.0.1", port), 20))
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            one.sendall(line.encode())
        answers_as_before(port)


def test_many_requests_on_one_connection_hold_no_other(port: int) -> None:
    with sent(port, b"GET /admin/login/ HTTP/1.1\r\nHost: localhost\r\n\r\n" * 500):
        answers_as_before(port)


def test_a_form_that_comes_in_pieces_is_read_whole(port: int) -> None:
    body = b"username=a&password=b"
    head = b"POST /admin/login/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    head += b"Cookie: csrftoken=" + b"a" * 32 + b"\r\nX-CSRFToken: " + b"a" * 32 + b"\r\n" + FORM
    with sent(port, head + f"Content-Length: {len(body)}\r\n\r\n".encode() + body[:7]) as sender:
        sender.sendall(body[7:])
        answer = b""
        while part := sender.recv(65536):
            answer += part
    assert answer.startswith(b"HTTP/1.1 200")
    assert b'value="a"' in answer


def head_of(port: int, data: bytes) -> bytes:
    return everything(port, data).partition(b"\r\n")[0]


def test_what_is_no_request_gets_4xx(port: int) -> None:
    assert status(port, "/s/%00/") == 400
    assert status(port, "/s/%C3%A9%FF/") == 404
    close = b"Connection: close\r\n\r\n"
    for line in (
        b"GET /admin/login/ HTTP/1.1\r\nHost: evil.example\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A: " + b"a" * 600_000 + b"\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n",
        b"POST /s/x/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n",
        b"POST /s/x/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nContent-Length: 4\r\n",
        b"NO SUCH / LINE\r\n",
    ):
        found = head_of(port, line + close)
        assert found == b"" or found.split()[1][:1] == b"4", (line[:60], found)


def test_http_1_0_is_answered_too(port: int) -> None:
    assert b" 200 " in head_of(port, b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")
