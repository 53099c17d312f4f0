"""Waiting for what should happen, with a limit; nothing here sleeps for its own sake."""

import threading
import time
from collections.abc import Callable

PAUSE_S = 0.05


class Late(AssertionError):
    """What was waited for did not happen in time; the message says what it was."""


def until(condition: Callable[[], bool], what: str, seconds: float = 180) -> float:
    """Seconds until the condition held. Raises Late, naming `what`, where it did not within `seconds`."""
    pause, began = threading.Event(), time.monotonic()
    while not condition():
        if time.monotonic() - began > seconds:
            raise Late(f"{what}: not within {seconds:.0f} s")
        pause.wait(PAUSE_S)
    return time.monotonic() - began
