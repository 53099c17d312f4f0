"""Participants without eyes for benchmarks/load.py: asyncio on bare sockets, since the client shares the machine.

What the client spends is missing at the server: here about 0.5 ms of CPU a page, printed with each run. Pictures
are not fetched: in production the front server or the object store sends them, here they would measure the disk.
"""

import asyncio
import json
import re
import time
import urllib.parse
from dataclasses import dataclass, field
from typing import Any

HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')
OFFERED = re.compile(r'<input\s+type="radio"\s+name="([a-z_]+)"\s+value="([^"]+)"')
JSON = "application/json"
PATIENCE_S = 120


def position_of(form: str) -> int:
    """Of the trial that a form shows."""
    return int(dict(HIDDEN.findall(form))["trial"].partition("-")[0])


def answered(form: str, start: int, *, scripts: bool) -> tuple[dict[str, str], str]:
    """The fields of a trial's form with something chosen, and what. start: turns the choice, so that not all are alike."""
    fields, offered = dict(HIDDEN.findall(form)), OFFERED.findall(form)
    if not offered:
        raise ValueError(f"the trial at {position_of(form)} offers nothing to choose")
    name, value = offered[(position_of(form) * 7 + start) % len(offered)]
    return fields | {name: value} | ({"scripts": "on"} if scripts else {}), value


def trials_of(reply: "Reply") -> dict[int, str]:
    """Forms by position: those that came along with an acknowledgement, or were asked for ahead."""
    told: dict[str, Any] = json.loads(reply.text)
    return {trial["position"]: trial["html"] for trial in told["trials"]}


@dataclass
class Log:
    """What one participant measured and answered; `answers` maps a trial's position to what was sent.

    pages: what was acknowledged, answers and pages between them.
    """

    token: str = ""
    posts_s: list[float] = field(default_factory=list)
    gets_s: list[float] = field(default_factory=list)
    answers: dict[int, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    pages: int = 0
    finished: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: dict[str, str]
    text: str


class Visitor:
    """One kept-alive connection of HTTP/1.1, with a cookie."""

    def __init__(self, url: str) -> None:
        parts = urllib.parse.urlsplit(url)
        self._tls = parts.scheme == "https"
        self._host, self._port = parts.hostname or "localhost", parts.port or (443 if self._tls else 80)
        self._lines = (
            f"Host: {parts.netloc}\r\nReferer: {url}/\r\nOrigin: {parts.scheme}://{parts.netloc}\r\n"
        )
        self._cookie = ""

    async def __aenter__(self) -> "Visitor":
        self._reader, self._writer = await asyncio.open_connection(
            self._host, self._port, ssl=self._tls or None
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hangs up; what was on its way is lost."""
        self._writer.close()

    async def send(self, path: str, fields: dict[str, str] | None = None, accept: str = "") -> Reply:
        """GET, or POST where there are fields. accept: the kind of reply that a script asks for."""
        head = f"{'GET' if fields is None else 'POST'} {path} HTTP/1.1\r\n{self._lines}Cookie: {self._cookie}\r\n"
        if accept:
            head += f"Accept: {accept}\r\n"
        body = urllib.parse.urlencode(fields or {})
        if fields is not None:
            head += f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n"
        self._writer.write(f"{head}\r\n{body}".encode())
        async with asyncio.timeout(PATIENCE_S):
            reply = await self._receive()
        if cookie := reply.headers.get("set-cookie"):
            self._cookie = cookie.partition(";")[0]
        return reply

    async def _receive(self) -> Reply:
        first, *lines = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines if line)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        if headers.get("transfer-encoding") == "chunked":
            body = await self._chunks()
        else:
            body = await self._reader.readexactly(int(headers.get("content-length", "0")))
        return Reply(int(first.split(" ", 2)[1]), headers, body.decode())

    async def _chunks(self) -> bytes:
        body = b""
        while size := int((await self._reader.readline()).partition(b";")[0], 16):
            body += (await self._reader.readexactly(size + 2))[:-2]
        await self._reader.readline()
        return body


class Refused(Exception):
    """The site answered otherwise than a participant needs."""


@dataclass
class Player:
    """One participant at their pages. scripts: answers as the page's script does (queue.js), else by its forms."""

    visitor: Visitor
    address: str
    log: Log
    think_s: float
    scripts: bool

    async def page(self) -> None:
        """One page and what it asks for; raises Refused."""
        reply = await self._get(self.address)
        fields = dict(HIDDEN.findall(reply.text))
        if "trial" in fields:
            await (self._stretch(reply.text) if self.scripts else self._answer(reply.text, self.address))
        elif "page" in fields:
            await asyncio.sleep(self.think_s)
            await self._post(self.address, fields)
        else:
            self.log.finished = True

    async def _stretch(self, form: str) -> None:
        """Trials in place, as long as acknowledgements bring further ones."""
        position = position_of(form)
        ahead = trials_of(await self._get(f"{self.address}upcoming/?after={position}"))
        while form:
            known = max(ahead, default=position)
            ahead |= trials_of(await self._answer(form, f"{self.address}?after={known}"))
            position += 1
            form = ahead.pop(position, "")

    async def _answer(self, form: str, address: str) -> Reply:
        fields, value = answered(form, len(self.log.token), scripts=self.scripts)
        self.log.answers[position_of(form)] = value
        await asyncio.sleep(self.think_s)
        began = time.perf_counter()
        reply = await self._post(address, fields, JSON if self.scripts else "")
        self.log.posts_s.append(time.perf_counter() - began)
        return reply

    async def _get(self, address: str) -> Reply:
        began = time.perf_counter()
        reply = await self.visitor.send(address)
        self.log.gets_s.append(time.perf_counter() - began)
        if reply.status != 200:
            raise Refused(f"page answered {reply.status}")
        return reply

    async def _post(self, address: str, fields: dict[str, str], accept: str = "") -> Reply:
        reply = await self.visitor.send(address, fields, accept)
        if reply.status != (200 if accept else 303):
            raise Refused(f"answer got {reply.status}: {reply.text[:200]}")
        self.log.pages += 1
        return reply


async def play(url: str, study: str, log: Log, query: str, think_s: float, scripts: bool) -> None:
    """One participant from start to end; errors are noted, never raised."""
    try:
        async with Visitor(url) as visitor:
            start = f"/s/{study}/{query}"
            fields = dict(HIDDEN.findall((await visitor.send(start)).text))
            reply = await visitor.send(start, fields | {"consent": "yes"})
            if reply.status != 303:
                raise Refused(f"start answered {reply.status}: {reply.text[:200]}")
            address = reply.headers["location"]
            log.token = address.strip("/").split("/")[-1]
            player = Player(visitor, address, log, think_s, scripts)
            while not log.finished:
                await player.page()
    except Refused as error:
        log.errors.append(str(error))
    except (OSError, EOFError, TimeoutError, ValueError) as error:
        log.errors.append(f"{type(error).__name__}: {error}")


async def _together(logs: list[Log], url: str, study: str, query: str, think_s: float, scripts: bool) -> None:
    """With think time they arrive one after the other, spread over it; without, all at once."""

    async def arrived(number: int, log: Log) -> None:
        await asyncio.sleep(think_s * number / len(logs))
        await play(url, study, log, query, think_s, scripts)

    await asyncio.gather(*(arrived(number, log) for number, log in enumerate(logs)))


def run(
    url: str, study: str, participants: int, query: str, think_s: float, *, scripts: bool = False
) -> tuple[list[Log], float]:
    """All participants at once; returns their logs and the seconds it took."""
    logs = [Log() for _ in range(participants)]
    began = time.perf_counter()
    asyncio.run(_together(logs, url, study, query, think_s, scripts))
    return logs, time.perf_counter() - began
