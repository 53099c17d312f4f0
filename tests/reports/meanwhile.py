"""What happens while something else is being read."""

import threading
from collections.abc import Callable

from django.db import connections


def meanwhile(work: Callable[[], object]) -> None:
    """Does the work as another process would, by a connection of its own, and waits for it."""

    def run() -> None:
        try:
            work()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()
