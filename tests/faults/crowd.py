"""Simulated participants who keep each answer until the site has acknowledged it, as the page's script does.

Some come without scripts and send each form, others take the trials of a stretch as the page's script does: the
acknowledgement brings the next one (queue.js, trial.js).

The sockets and the reading of pages are those of `benchmarks/load.py`; what is added is patience: whatever is cut off,
refused for a moment or answered by an error of the server is sent again, the same bytes, until a definite answer comes.
"""

import asyncio
import itertools
import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from benchmarks.load_client import HIDDEN, JSON, Reply, Visitor, answered, position_of, trials_of
from tests.faults.acknowledged import BEGUN, ENDED, KNOCKED, SENT, TAKEN, Acknowledged

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 2.0
REPLY_S = 20  # after so long without a reply it is asked again
PATIENCE_S = 300
CUT_OFF = (OSError, EOFError, TimeoutError, ValueError, asyncio.IncompleteReadError)


class Refused(Exception):
    """The site said for good that it does not take what was sent."""


@dataclass
class Crowd:
    """So many participants at once, each followed by another, from a thread of its own until told to stop.

    think_s: between a page and its answer. without_scripts: one in so many; 1 is everybody. going_on: tokens of
    participants who began in an earlier run. trouble counts by what came in place of a page; refused holds what the
    site declined for good.
    """

    url: str
    study: str
    size: int
    notes: Acknowledged
    think_s: float = 0.0
    without_scripts: int = 1
    going_on: Iterable[str] = ()
    last_at: float = 0.0
    longest_silence_s: float = 0.0
    trouble: Counter[str] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)
    _stopping: bool = False

    def start(self) -> None:
        self.last_at = time.monotonic()
        self._earlier = iter(self.going_on)
        self._thread = threading.Thread(target=lambda: asyncio.run(self._all()), name="crowd", daemon=True)
        self._thread.start()

    def stop(self, seconds: float = PATIENCE_S) -> None:
        """Lets everybody send what they are sending until it is acknowledged, then ends. Raises TimeoutError."""
        self._stopping = True
        self._thread.join(seconds)
        if self._thread.is_alive():
            raise TimeoutError(
                f"participants wait for the site since {time.monotonic() - self.last_at:.0f} s"
            )

    async def _all(self) -> None:
        await asyncio.gather(*(self._one_after_another(place) for place in range(self.size)))

    async def _one_after_another(self, place: int) -> None:
        scripts = place % self.without_scripts > 0
        while not self._stopping:
            try:
                await Guest(self, next(self._earlier, ""), scripts).take_part()
            except Refused as error:
                self.refused.append(str(error))

    def heard(self) -> None:
        """An answer was acknowledged."""
        now = time.monotonic()
        self.longest_silence_s = max(self.longest_silence_s, now - self.last_at)
        self.last_at = now

    @property
    def stopping(self) -> bool:
        return self._stopping


class Guest:
    """One participant; `token` is empty for somebody who has not begun."""

    def __init__(self, crowd: Crowd, token: str, scripts: bool = False) -> None:
        self.crowd, self.token, self.scripts = crowd, token, scripts
        self._visitor: Visitor | None = None

    async def take_part(self) -> None:
        """From the start, or from where they were, to the end of the study or of the crowd. Raises Refused."""
        try:
            if not self.token:
                await self._begin()
            while not self.crowd.stopping and await self._page():
                await asyncio.sleep(self.crowd.think_s)
        finally:
            self._hang_up()

    async def _begin(self) -> None:
        start, notes = f"/s/{self.crowd.study}/", self.crowd.notes
        page = await self._until(start, None, 200)
        fields = dict(HIDDEN.findall(page.text)) | {"consent": "yes"}
        notes.note(KNOCKED, fields["nonce"])
        reply = await self._until(start, fields, 303)
        self.token = reply.headers["location"].strip("/").split("/")[-1]
        notes.note(BEGUN, self.token)

    async def _page(self) -> bool:
        """One page and what it asks for; False at the end."""
        page = await self._until(self._address, None, 200)
        fields = dict(HIDDEN.findall(page.text))
        if "trial" in fields:
            await (self._stretch(page.text) if self.scripts else self._answer(page.text, self._address, 303))
        elif "page" in fields:
            await self._until(self._address, fields, 303)
        else:
            self.crowd.notes.note(ENDED, self.token)
            return False
        return True

    @property
    def _address(self) -> str:
        return f"/p/{self.token}/"

    async def _stretch(self, form: str) -> None:
        """Trials in place, as long as acknowledgements bring further ones."""
        position = position_of(form)
        first = await self._until(f"{self._address}upcoming/?after={position}", None, 200)
        ahead = trials_of(first)
        while True:
            reply = await self._answer(form, f"{self._address}?after={max(ahead, default=position)}", 200)
            ahead |= trials_of(reply)
            position += 1
            if self.crowd.stopping or position not in ahead:
                return
            form = ahead.pop(position)
            await asyncio.sleep(self.crowd.think_s)

    async def _answer(self, form: str, address: str, wanted: int) -> Reply:
        """Chooses in the form of a trial, and sends it until it is acknowledged."""
        position = position_of(form)
        fields, value = answered(form, len(self.token), scripts=self.scripts)
        self.crowd.notes.note(SENT, self.token, position, value)
        reply = await self._until(address, fields, wanted)
        self.crowd.notes.note(TAKEN, self.token, position, value)
        self.crowd.heard()
        return reply

    async def _until(self, path: str, fields: dict[str, str] | None, wanted: int) -> Reply:
        """Sends the very same until the reply has the wanted status. Raises Refused for a definite other one."""
        for tries in itertools.count():
            try:
                async with asyncio.timeout(REPLY_S):
                    reply = await (await self._connected()).send(
                        path, fields, JSON if wanted == 200 and fields else ""
                    )
            except CUT_OFF as error:
                self._hang_up()
                self.crowd.trouble[type(error).__name__] += 1
            else:
                if reply.status == wanted:
                    return reply
                self.crowd.trouble[str(reply.status)] += 1
                if 400 <= reply.status < 500:
                    raise Refused(f"{'GET' if fields is None else 'POST'} {path} got {reply.status}")
            await asyncio.sleep(min(FIRST_PAUSE_S * 2**tries, LONGEST_PAUSE_S))
        raise AssertionError("unreachable")

    async def _connected(self) -> Visitor:
        if self._visitor is None:
            self._visitor = await Visitor(self.crowd.url).__aenter__()
        return self._visitor

    def _hang_up(self) -> None:
        if self._visitor is not None:
            self._visitor.close()
            self._visitor = None
