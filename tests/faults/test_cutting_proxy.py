"""The proxy of the fault suite: cuts where it says, to the byte, and otherwise passes everything on."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.faults.cutting_proxy import OF_REQUEST, Cut, CuttingProxy

FORM = b"trial=3-abc&choice=1"
HEAD = f"POST /p/x/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(FORM)}\r\n\r\n".encode()
REPLY = b"HTTP/1.1 303 See Other\r\nLocation: /p/x/\r\nContent-Length: 4\r\n\r\nnext"


class Server:
    """Takes connections, keeps what each sent, and answers a whole form."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self.got: list[bytes] = []
        self.over = threading.Semaphore(0)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                self._take(connection)

    def _take(self, connection: socket.socket) -> None:
        data = b""
        with connection, suppress(OSError):
            while part := connection.recv(4096):
                data += part
                if data.endswith(HEAD + FORM):
                    connection.sendall(REPLY)
        self.got.append(data)
        self.over.release()

    def close(self) -> None:
        self._listening.close()


@pytest.fixture
def server() -> Iterator[Server]:
    one = Server()
    yield one
    one.close()


def exchanged(url: str, *requests: bytes) -> bytes:
    """What comes back to a browser that sends these over one connection, until the other side closes or all is there."""
    host, port = url.removeprefix("http://").split(":")
    answer = b""
    with socket.create_connection((host, int(port)), 20) as connection, suppress(ConnectionError):
        for request in requests:
            connection.sendall(request)
            while len(answer) < len(REPLY) and (part := connection.recv(4096)):
                answer += part
        while part := connection.recv(4096):
            answer += part
    return answer


@pytest.mark.parametrize("cut", Cut)
def test_a_cut_lets_through_what_its_name_says(server: Server, cut: Cut) -> None:
    with CuttingProxy(server.url, cut, every=1) as proxy:
        answer = exchanged(proxy.url, HEAD + FORM)
    assert server.over.acquire(timeout=20)
    (got,) = server.got
    expected = {
        Cut.BEFORE: b"",
        Cut.BEFORE_BODY: HEAD,
        Cut.BEFORE_LAST: (HEAD + FORM)[:-1],
    }
    assert (HEAD + FORM).startswith(got)
    assert got == expected.get(cut, got)
    if cut is Cut.IN_LINE:
        assert 0 < len(got) < HEAD.index(b"\r\n")
    elif cut is Cut.IN_HEAD:
        assert HEAD.index(b"\r\n") < len(got) < len(HEAD)
    elif cut is Cut.IN_BODY:
        assert len(HEAD) < len(got) < len(HEAD + FORM)
    elif cut not in OF_REQUEST:
        assert got == HEAD + FORM
    seen = {Cut.IN_REPLY: REPLY[: len(REPLY) // 2], Cut.BEFORE_END: REPLY[:-1]}
    assert answer == seen.get(cut, b"")


def test_what_is_not_cut_arrives_whole_over_the_same_connection(server: Server) -> None:
    with CuttingProxy(server.url, Cut.BEFORE_REPLY, every=2) as proxy:
        answer = exchanged(proxy.url, HEAD + FORM, HEAD + FORM)
        assert dict(proxy.forms) == {"sent": 2, "cut": 1}
    assert answer == REPLY
    assert server.over.acquire(timeout=20)
    assert server.got == [2 * (HEAD + FORM)]
