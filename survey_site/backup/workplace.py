"""Folders for what is on its way, in the clear: gone at the end, or at the next start where a process was killed."""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

NEW_S = 60  # a folder so young may belong to a process that is just about to lock it


@contextmanager
def scratch(place: Path, prefix: str) -> Iterator[Path]:
    """A new folder below the place for this process alone. What killed ones left under the same prefix goes first."""
    tidy(place, f"{prefix}*")
    with tempfile.TemporaryDirectory(dir=place, prefix=prefix) as name:
        folder = os.open(name, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield Path(name)
        finally:
            os.close(folder)


def tidy(place: Path, pattern: str) -> None:
    """Removes files and folders that nobody holds any more."""
    for left in place.glob(pattern):
        with suppress(OSError):
            held = os.open(left, os.O_RDONLY)
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if time.time() - os.fstat(held).st_mtime > NEW_S:
                    shutil.rmtree(left) if left.is_dir() else left.unlink()
            finally:
                os.close(held)
