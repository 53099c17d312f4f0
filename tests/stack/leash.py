"""Ends the programs of a stack when whoever started them is gone, killed with SIGKILL too.

`python -m tests.stack.leash` reads a line from standard input for each process group that began (`+4711`) or ended
(`-4711`). The system closes that input when the other side dies: then the groups that are left are asked to end, and
killed where they have not after some seconds.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from typing import IO

GRACE_S = 15


class Leash:
    """The other side: tells the process which groups there are. lock: an open file that it holds to its own end."""

    def __init__(self, lock: IO[str] | None = None) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.stack.leash"],
            stdin=subprocess.PIPE,
            text=True,
            pass_fds=[lock.fileno()] if lock else [],
            start_new_session=True,  # ^C is for the stack, which then ends its parts in order
        )

    def began(self, group: int) -> None:
        self._say(f"+{group}")

    def ended(self, group: int) -> None:
        self._say(f"-{group}")

    def close(self) -> None:
        """Nothing is left to end."""
        self._process.communicate()

    def _say(self, line: str) -> None:
        assert self._process.stdin
        print(line, file=self._process.stdin, flush=True)


def left(lines: Iterable[str]) -> list[int]:
    """The groups that began and did not end, the last one first: what others stand on began before them."""
    groups: dict[int, None] = {}
    for line in lines:
        group = int(line[1:])
        groups.pop(group, None)
        if line.startswith("+"):
            groups[group] = None
    return list(reversed(groups))


def alive(groups: Iterable[int]) -> Iterator[int]:
    """Those that have a process still."""
    for group in groups:
        with contextlib.suppress(OSError):
            os.killpg(group, 0)
            yield group


def end(groups: list[int]) -> None:
    """One after the other, the last of them by force."""
    for group in groups:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(OSError):
                os.killpg(group, number)
            pause = threading.Event()
            for _ in range(10 * GRACE_S):
                if not list(alive([group])):
                    break
                pause.wait(0.1)


if __name__ == "__main__":
    end(left(sys.stdin))
