"""The adapter between granian's interface and WSGI, with a made-up server: what goes in, what comes out."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

from survey_site import rsgi


class Protocol:
    """Granian's side of one request: gives the body in parts, keeps the answer."""

    def __init__(self, parts: list[bytes]) -> None:
        self.parts, self.status, self.headers, self.body = parts, 0, [], b""

    async def __call__(self) -> bytes:
        return b"".join(self.parts)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self.parts:
            yield part

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    def response_str(self, status: int, headers: list[tuple[str, str]], body: str) -> None:
        self.response_bytes(status, headers, body.encode())

    def response_stream(self, status: int, headers: list[tuple[str, str]]) -> "Protocol":
        self.status, self.headers = status, headers
        return self

    async def send_bytes(self, data: bytes) -> None:
        self.body += data


class Parts:
    """A streaming answer that notes when it was closed."""

    streaming = True

    def __init__(self, parts: list[bytes]) -> None:
        self.parts, self.closed = parts, False

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.parts)

    def close(self) -> None:
        self.closed = True


def alone(coroutine: Coroutine[Any, Any, None]) -> None:
    """Runs it in a thread: a browser's tests leave a loop running in this one."""
    with ThreadPoolExecutor(1) as threads:
        threads.submit(asyncio.run, coroutine).result()


def scope(**headers: str) -> Any:
    return SimpleNamespace(
        method="POST", path="/a%20b/%C3%A9", query_string="q=1", server="localhost:80", client="::1:9999", scheme="http",
        http_version="1.1", authority=None, headers=headers,
    )  # fmt: skip


def ask(application: Any, parts: list[bytes], **headers: str) -> Protocol:
    protocol = Protocol(parts)
    alone(rsgi.Site(application, threads=1).__rsgi__(scope(**headers), protocol))
    return protocol


def test_line_and_headers_are_those_of_wsgi() -> None:
    given = rsgi.environ_of(
        scope(host="h", cookie="a=1", accept="x", x_forwarded_for="forged", **{"content-type": "t"})
    )
    assert (given["PATH_INFO"], given["QUERY_STRING"]) == ("/a b/Ã©", "q=1")
    assert (given["HTTP_HOST"], given["HTTP_COOKIE"], given["CONTENT_TYPE"]) == ("h", "a=1", "t")
    assert given["REMOTE_ADDR"] == "::1"
    assert "HTTP_X_FORWARDED_FOR" not in given  # an underscore forges a hyphen


@pytest.mark.parametrize("size", [0, 1000, 300_000])
def test_a_body_arrives_whole_collected_or_in_parts(size: int) -> None:
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    parts = [body[start : start + 7001] for start in range(0, size, 7001)]

    def echo(given: dict[str, Any], start: Any) -> list[bytes]:
        start("200 OK", [("X-A", "b")])
        return [given["wsgi.input"].read()]

    answer = ask(echo, parts, **({"content-length": str(size)} if size else {}))
    assert (answer.status, answer.headers, answer.body) == (200, [("x-a", "b")], body)


@pytest.mark.parametrize("length", [None, "3000000", "30000000"])
def test_a_streamed_answer_arrives_whole_and_is_closed(length: str | None) -> None:
    parts = Parts([b"abc" * 1000] * 1000)

    def stream(given: dict[str, Any], start: Any) -> Parts:
        start("200 OK", [("Content-Length", length)] if length else [])
        return parts

    answer = ask(stream, [])
    assert answer.body == b"abc" * 1_000_000
    assert parts.closed


@pytest.mark.parametrize(
    ("read", "headers"), [(0, [("connection", "close")]), (10, [("connection", "close")]), (-1, [])]
)
def test_a_connection_whose_body_is_not_read_to_its_end_is_not_used_again(
    read: int, headers: list[tuple[str, str]]
) -> None:
    def take(given: dict[str, Any], start: Any) -> list[bytes]:
        given["wsgi.input"].read(read)
        start("413 Too large", [])
        return [b""]

    assert ask(take, [b"x" * 1000] * 300, **{"content-length": "300000"}).headers == headers


def test_an_upload_that_breaks_off_does_not_end_like_a_whole_one() -> None:
    """Half a CSV is a CSV too."""

    def store(given: dict[str, Any], start: Any) -> list[bytes]:
        start("201 Created", [])
        return [given["wsgi.input"].read()]

    half = [b"fox.png,0,0,8,80\n" * 1000] * 10
    assert ask(store, half, **{"content-length": "300000"}).status == 500
    assert ask(store, [*half, b"x" * 130_000], **{"content-length": "300000"}).status == 201


def test_nor_is_one_whose_body_has_no_length() -> None:
    def answer(given: dict[str, Any], start: Any) -> list[bytes]:
        start("200 OK", [])
        return [given["wsgi.input"].read()]

    told = ask(answer, [b"a=1"], **{"transfer-encoding": "chunked"})
    assert (told.body, told.headers) == (b"", [("connection", "close")])


def test_what_the_application_raises_is_a_500() -> None:
    def broken(given: dict[str, Any], start: Any) -> list[bytes]:
        raise RuntimeError("no")

    assert ask(broken, []).status == 500


def test_a_form_that_does_not_come_gets_408(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent(Protocol):
        async def __call__(self) -> bytes:
            await asyncio.Event().wait()
            return b""

    monkeypatch.setattr(rsgi, "FORM_WITHIN_S", 0)
    protocol = Silent([])
    site = rsgi.Site(lambda given, start: pytest.fail("a thread was taken"), threads=1)
    alone(site.__rsgi__(scope(**{"content-length": "1000"}), protocol))
    assert protocol.status == 408
