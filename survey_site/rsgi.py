"""The site for granian's own interface: bodies are collected before a thread works on a request.

Over plain WSGI whoever sends half a form and keeps the connection open holds a thread, and eight of them the site. Here
they hold a connection and the few bytes that came. What is larger than a form is read by the thread, which only happens
once the site knows the sender as a researcher who may upload (bodies.py).
"""

import asyncio
import io
import logging
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import unquote_to_bytes

from django.conf import settings

from survey_site.malformed import Application, Environ
from survey_site.wsgi import application as wsgi

log = logging.getLogger(__name__)
THREADS = settings.REQUEST_THREADS
FORM_WITHIN_S = 30  # for the whole of a form
CHUNK_WITHIN_S = 30  # for the next part of an upload
PIECE_WITHIN_S = 60  # for the receiver to take the next piece of an export
PIECE_BYTES = 64 * 1024
WHOLE_BYTES = 8 * 1024 * 1024


class Late(Exception):
    """The sender was too slow with the body."""


class Uploaded(io.RawIOBase):
    """A large body as a file that blocks the thread that reads it, part by part.

    Raises ConnectionResetError where the sender leaves before ``length`` bytes came: granian ends such a body like any
    other, and half a table of boxes, or some of several files, would be stored as if it were all.
    """

    def __init__(self, protocol: Any, loop: asyncio.AbstractEventLoop, length: int) -> None:
        self._parts, self._loop, self._held = protocol.__aiter__(), loop, b""
        self._missing = length
        self.ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._held:
            part = asyncio.run_coroutine_threadsafe(_next(self._parts), self._loop).result(CHUNK_WITHIN_S)
            if part is None:
                self.ended = True
                if self._missing > 0:
                    raise ConnectionResetError("The sender left in the middle of an upload.")
                return 0
            self._held = part
            self._missing -= len(part)
        taken = min(len(buffer), len(self._held))
        buffer[:taken], self._held = self._held[:taken], self._held[taken:]
        return taken


async def _next(parts: Any) -> bytes | None:
    try:
        part: bytes = await parts.__anext__()
    except StopAsyncIteration:
        return None
    return part


class Site:
    """A granian application (RSGI) around a WSGI one, with threads of its own."""

    def __init__(self, application: Application, threads: int = THREADS) -> None:
        self._application = application
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="request")

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        loop = asyncio.get_running_loop()
        given = environ_of(scope)
        try:
            given["wsgi.input"] = await _body(given.get("CONTENT_LENGTH", ""), protocol, loop)
        except Late:
            protocol.response_str(408, [("content-type", "text/plain")], "The form did not arrive in time.\n")
            return
        await loop.run_in_executor(self._threads, self._answer, given, protocol, loop)

    def _answer(self, given: Environ, protocol: Any, loop: asyncio.AbstractEventLoop) -> None:
        started: list[Any] = [500, []]

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
            started[:] = int(status[:3]), [(name.lower(), value) for name, value in headers]

        try:
            parts = self._application(given, start)
        except Exception:
            log.exception("%s", given["PATH_INFO"])
            protocol.response_str(500, [("content-type", "text/plain")], "This failed.\n")
            return
        if _is_left_unread(given):
            started[1].append(("connection", "close"))
        try:
            if getattr(parts, "streaming", False) and not _is_small(started[1]):
                _stream(parts, protocol.response_stream(*started), loop)
            else:
                protocol.response_bytes(*started, b"".join(parts))
        finally:
            if hasattr(parts, "close"):
                parts.close()


def _is_left_unread(given: Environ) -> bool:
    """Then the server closes the connection; a front server that was not told would send the next request into it."""
    if given["SERVER_PROTOCOL"] == "HTTP/2":
        return False
    upload = getattr(given["wsgi.input"], "raw", None)
    return "HTTP_TRANSFER_ENCODING" in given or (isinstance(upload, Uploaded) and not upload.ended)


def _is_small(headers: list[tuple[str, str]]) -> bool:
    """A file that is handed over whole, so that whoever reads it slowly, or not at all, holds no thread."""
    length = dict(headers).get("content-length", "")
    return length.isdecimal() and int(length) <= WHOLE_BYTES


def _stream(parts: Iterable[bytes], transport: Any, loop: asyncio.AbstractEventLoop) -> None:
    """Piece by piece, each made once the one before was taken; who takes none for too long gets no more."""
    held: list[bytes] = []
    size = 0
    for part in parts:
        held.append(part)
        size += len(part)
        if size >= PIECE_BYTES:
            _hand_over(transport, held, loop)
            held, size = [], 0
    if held:
        _hand_over(transport, held, loop)


def _hand_over(transport: Any, held: list[bytes], loop: asyncio.AbstractEventLoop) -> None:
    asyncio.run_coroutine_threadsafe(_send(transport, b"".join(held)), loop).result(PIECE_WITHIN_S)


async def _send(transport: Any, part: bytes) -> None:
    await transport.send_bytes(part)


async def _body(length: str, protocol: Any, loop: asyncio.AbstractEventLoop) -> io.IOBase:
    """A form, whole; or an upload, to be read. A length that is no number is refused before anything is read."""
    if not (length.isascii() and length.isdecimal() and len(length) < 19) or int(length) == 0:
        return io.BytesIO()
    if int(length) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        return io.BufferedReader(Uploaded(protocol, loop, int(length)), 256 * 1024)
    try:
        async with asyncio.timeout(FORM_WITHIN_S):
            return io.BytesIO(await protocol())
    except TimeoutError as error:
        raise Late from error


def environ_of(scope: Any) -> Environ:
    """What WSGI calls the request's line and headers."""
    host, _, port = scope.server.rpartition(":")
    given: Environ = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope.path).decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_NAME": host,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": scope.client.rpartition(":")[0].strip("[]"),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    if scope.authority:
        given["HTTP_HOST"] = scope.authority
    for name, value in scope.headers.items():
        key = name.upper().replace("-", "_")
        if "_" in name:
            continue  # X_Y and X-Y would be one name here: a sender could forge what only a front server sets
        if key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            given[key] = value
        else:
            key = f"HTTP_{key}"
            glue = "; " if key == "HTTP_COOKIE" else ","
            given[key] = f"{given[key]}{glue}{value}" if key in given else value
    return given


application = Site(wsgi)
