"""`make soak`: a long run of participants against the real processes, until so many answers are acknowledged.

python -m tests.faults.soak                          to 1,000,000, in .soak
python -m tests.faults.soak --answers 20000 --folder /somewhere
python -m tests.faults.soak --minutes 30             a piece of it

^C, SIGTERM and SIGKILL end it at any time; the next start compares every answer acknowledged so far with the database and
goes on where it was, with the same participants. Everything lies in the folder, PostgreSQL's data too, and listens on the
loopback address alone. Remove the folder to begin anew. Status 1 where an answer was lost or is there twice.
"""

import argparse
import fcntl
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO

import django

from tests import servers
from tests.stack.leash import Leash
from tests.stack.part import ROOT
from tests.stack.stack import Stack

ANSWERS, PEOPLE, STUDY = 1_000_000, 40, "soak"
EVERY_S = 30
MEMORY = {"max_wal_size": "1GB", "shared_buffers": "256MB"}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults.soak",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--answers", type=int, default=ANSWERS)
    parser.add_argument("--people", type=int, default=PEOPLE, help="participants at once")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="of this piece at most")
    parser.add_argument("--folder", type=Path, default=ROOT / ".soak")
    options = parser.parse_args(arguments)
    servers.install(["initdb", "redis-server"])
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGINT, _interrupt)  # a shell's background job would ignore it
    options.folder.mkdir(parents=True, exist_ok=True)
    with locked(options.folder) as lock:
        # All come from one address; and two threads of a process wait less for each other than eight.
        variables = {"STARTS_PER_HOUR": "10000000", "REQUEST_THREADS": "2"}
        leash = Leash(lock)
        stack = Stack(options.folder, workers=False, postgres=MEMORY, variables=variables, leash=leash)
        try:
            return _run(stack, options)
        except KeyboardInterrupt:
            print("stopped before anything was counted; start it again to go on", flush=True)
            return 130


def _run(stack: Stack, options: argparse.Namespace) -> int:
    with stack:
        os.environ.update(stack.environment)
        django.setup()
        # Models can be imported only now.
        from tests.faults.long_run import LongRun

        run = LongRun(stack, options.folder, options.people, STUDY)
        return run.go_on(options.answers, time.monotonic() + 60 * options.minutes, EVERY_S)


@contextmanager
def locked(folder: Path) -> Iterator[IO[str]]:
    """One run at a time; waits for the programs of one that was killed, which hold the lock until they have ended."""
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("another run holds this folder, or its programs are ending; waiting …", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
