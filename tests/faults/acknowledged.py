"""What simulated participants sent and what was acknowledged to them; on disk where a run may be cut off and go on."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

KNOCKED, BEGUN, SENT, TAKEN, ENDED = "knocked", "begun", "sent", "taken", "ended"


@dataclass
class Acknowledged:
    """By participant's token: `sent` and `taken` map a trial's position to the value of the answer.

    An answer is noted as sent before its first byte leaves, and as taken once the site has acknowledged it; so is a
    start, by the nonce of its form, which decides the token. With a file each note is a line there, handed to the
    system before anything else happens: SIGKILL loses none.
    """

    file: IO[str] | None = None
    sent: dict[str, dict[int, str]] = field(default_factory=lambda: defaultdict(dict))
    taken: dict[str, dict[int, str]] = field(default_factory=lambda: defaultdict(dict))
    knocked: set[str] = field(default_factory=set)
    begun: set[str] = field(default_factory=set)
    ended: set[str] = field(default_factory=set)
    total: int = 0

    @classmethod
    def kept_in(cls, path: Path) -> "Acknowledged":
        """What the file tells, and open for more. A last line that was cut off is left out and written over."""
        whole = path.read_bytes().rpartition(b"\n")[0].decode("ascii") if path.exists() else ""
        found = cls()
        for line in whole.splitlines():
            found._keep(*line.split("\t"))
        if path.exists():
            with path.open("r+b") as file:
                file.truncate(len(whole) + 1 if whole else 0)
        found.file = path.open("a", encoding="ascii", buffering=1)
        return found

    def note(self, what: str, token: str, position: int = -1, value: str = "") -> None:
        if self.file is not None:
            self.file.write(f"{what}\t{token}\t{position}\t{value}\n")
        self._keep(what, token, str(position), value)

    def _keep(self, what: str, token: str, position: str, value: str) -> None:
        if what == KNOCKED:
            self.knocked.add(token)
        elif what == BEGUN:
            self.begun.add(token)
        elif what == ENDED:
            self.ended.add(token)
        elif what == SENT:
            self.sent[token][int(position)] = value
        elif what == TAKEN:
            self.total += int(position) not in self.taken[token]
            self.taken[token][int(position)] = value

    def unfinished(self) -> Iterator[str]:
        """Who began and came to no end."""
        yield from sorted(self.begun - self.ended)
