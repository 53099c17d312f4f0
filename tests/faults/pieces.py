"""The pieces of a long run: each time that it went on, from when to when and how far; kept in a file."""

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

KILLED, STOPPED, OVER, FINISHED, FAILED = "SIGKILL", "^C", "its minutes", "the end", "an error"


@dataclass
class Piece:
    """began: seconds since the epoch. before, after: answers acknowledged. ended_by: a kill leaves no time to say more."""

    began: float
    before: int
    after: int
    seconds: float = 0.0
    ended_by: str = KILLED

    def cells(self, number: int) -> list[str]:
        answers = self.after - self.before
        rate = f"{answers / self.seconds:.0f}" if self.seconds else "–"
        when = time.strftime("%Y-%m-%d %H:%M", time.gmtime(self.began))
        return [str(number), when, f"{self.seconds / 60:.1f}", str(answers), rate, self.ended_by]


HEADINGS = ("piece", "began (UTC)", "minutes", "acknowledged", "answers/s", "ended by")


class Pieces:
    """Those of a folder. Every change is on disk, whole, before the call returns."""

    def __init__(self, path: Path) -> None:
        self._path = path
        told = json.loads(path.read_text("utf-8")) if path.exists() else []
        self.all = [Piece(**piece) for piece in told]

    def begin(self, answers: int) -> None:
        """answers: acknowledged so far. What the last piece had no time to say is known now."""
        if self.all:
            self.all[-1].after = answers
        self.all.append(Piece(time.time(), answers, answers))
        self._keep()

    def at(self, answers: int, ended_by: str = KILLED) -> None:
        """How far the last piece is; `ended_by` once it has ended."""
        last = self.all[-1]
        last.after, last.seconds, last.ended_by = answers, time.time() - last.began, ended_by
        self._keep()

    def _keep(self) -> None:
        partial = self._path.with_suffix(".partial")
        partial.write_text(json.dumps([asdict(piece) for piece in self.all]), "utf-8")
        partial.replace(self._path)
