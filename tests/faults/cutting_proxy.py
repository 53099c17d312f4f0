"""A small TCP proxy between browser and server that cuts connections where it is told to, to the byte.

It understands as much of HTTP/1.1 as says where a request and its reply end: the blank line, `Content-Length`, and chunks.
"""

import asyncio
import re
import threading
from collections import Counter
from contextlib import suppress
from enum import Enum
from urllib.parse import urlsplit

END_OF_HEAD = b"\r\n\r\n"
LENGTH = re.compile(rb"^content-length:\s*(\d+)", re.IGNORECASE | re.MULTILINE)
CHUNKED = re.compile(rb"^transfer-encoding:\s*chunked", re.IGNORECASE | re.MULTILINE)
BROKEN = (OSError, EOFError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)


class Cut(Enum):
    """Where the connection ends, both to the browser and to the server."""

    BEFORE = "before the request"
    IN_LINE = "within the first line"
    IN_HEAD = "within the headers"
    BEFORE_BODY = "between headers and form"
    IN_BODY = "within the form"
    BEFORE_LAST = "before the last byte of the form"
    AFTER_REQUEST = "after the request, the server at work"
    BEFORE_REPLY = "before the acknowledgement"
    IN_REPLY = "within the acknowledgement"
    BEFORE_END = "before the last byte of the acknowledgement"


OF_REQUEST = {Cut.BEFORE, Cut.IN_LINE, Cut.IN_HEAD, Cut.BEFORE_BODY, Cut.IN_BODY, Cut.BEFORE_LAST}


def kept(cut: Cut, head: bytes, body: bytes) -> bytes:
    """As much of a request as reaches the server."""
    whole, line = head + body, head.index(b"\r\n")
    ends = {
        Cut.BEFORE: 0,
        Cut.IN_LINE: line // 2,
        Cut.IN_HEAD: (line + len(head)) // 2,
        Cut.BEFORE_BODY: len(head),
        Cut.IN_BODY: len(head) + len(body) // 2,
        Cut.BEFORE_LAST: len(whole) - 1,
    }
    return whole[: ends.get(cut, len(whole))]


def given_back(cut: Cut, reply: bytes) -> bytes:
    """As much of the reply as reaches the browser."""
    ends = {Cut.IN_REPLY: len(reply) // 2, Cut.BEFORE_END: len(reply) - 1}
    return reply[: ends.get(cut, 0)]


class CuttingProxy:
    """Before the server at `url`; cuts every n-th form (POST) in the way of `cut`, and counts what it cut."""

    def __init__(self, url: str, cut: Cut | None = None, every: int = 3) -> None:
        parts = urlsplit(url)
        self._server = parts.hostname or "127.0.0.1", parts.port or 80
        self.cut, self._every = cut, every
        self.forms: Counter[str] = Counter()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)

    def __enter__(self) -> "CuttingProxy":
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        listening = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.url = "http://{}:{}".format(*listening.sockets[0].getsockname())
        self._ready.set()
        self._loop.run_forever()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of a browser, and one to the server for it."""
        server: asyncio.StreamWriter | None = None
        with suppress(*BROKEN, asyncio.CancelledError):  # cancelled at the end of all
            answers, server = await asyncio.open_connection(*self._server)
            while await self._exchange(reader, writer, answers, server):
                pass
        for side in (writer, server):
            if side is not None:
                side.close()

    async def _exchange(
        self,
        browser: asyncio.StreamReader,
        to_browser: asyncio.StreamWriter,
        server: asyncio.StreamReader,
        to_server: asyncio.StreamWriter,
    ) -> bool:
        """One request and its reply; False where the connection was cut."""
        head, body = await message(browser)
        cut = self._cut_of(head)
        to_server.write(head + body if cut is None else kept(cut, head, body))
        await to_server.drain()
        if cut in OF_REQUEST or cut is Cut.AFTER_REQUEST:
            return False
        reply = b"".join(await message(server))  # whole: the server has committed what it acknowledges
        to_browser.write(reply if cut is None else given_back(cut, reply))
        await to_browser.drain()
        return cut is None

    def _cut_of(self, head: bytes) -> Cut | None:
        if self.cut is None or not head.startswith(b"POST "):
            return None
        self.forms["sent"] += 1
        if self.forms["sent"] % self._every:
            return None
        self.forms["cut"] += 1
        return self.cut


async def message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Head and body of one request or reply."""
    head = await reader.readuntil(END_OF_HEAD)
    if found := LENGTH.search(head):
        return head, await reader.readexactly(int(found[1]))
    body = b""
    while CHUNKED.search(head):
        size = await reader.readline()
        body += size + await reader.readexactly(int(size.partition(b";")[0], 16) + 2)
        if int(size.partition(b";")[0], 16) == 0:
            break
    return head, body
