"""The counters of several web processes of a machine, added up from a folder into which each writes (prometheus_client).

The variable that chooses the folder is read when prometheus_client is imported, hence before Django is set up.
"""

import fcntl
import os
import sys
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def share(folder: Path) -> None:
    """From here on this process counts in the folder. Files of processes that are gone go with the last of them.

    While any of them lives they stay: a sum that fell would be read as a restart, and what it still holds as new.
    """
    if "prometheus_client" in sys.modules:
        return  # a program that is no web process counts for itself
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        files = list(folder.glob("*.db"))
        if not any(_is_of_another(file) for file in files):
            for file in files:
                file.unlink(missing_ok=True)
    os.environ[VARIABLE] = str(folder)


def _is_of_another(file: Path) -> bool:
    """Whether a process that lives, and is not this one, writes the file: its number stands at the end of the name."""
    number = file.stem.rpartition("_")[2]
    if not number.isdecimal() or int(number) == os.getpid():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's, hence alive
    return True
