"""A real worker in a process of its own, on the test's database, storage and broker."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from django.conf import settings
from django.db import connection

ROOT = Path(__file__).resolve().parents[2]


def environment(media: Path) -> dict[str, str]:
    """The variables that point a process at what this test uses."""
    database = connection.settings_dict
    if connection.vendor == "sqlite":
        url = f"sqlite:///{database['NAME']}"
    else:
        url = f"postgres://{database['USER']}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
    variables = {"DATABASE_URL": url, "STORAGE_URL": f"file://{media}", "DATA_DIR": str(settings.DATA_DIR)}
    if settings.CELERY_BROKER_URL.startswith("redis"):
        variables["CELERY_BROKER_URL"] = settings.CELERY_BROKER_URL
    return {**os.environ, **variables, "TF_CPP_MIN_LOG_LEVEL": "2"}


@contextlib.contextmanager
def worker(media: Path, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Runs `python -m saliency_worker worker` until the block ends."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "saliency_worker", "worker"],
            env=environment(media),
            cwd=ROOT,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_until(condition: Callable[[], bool], log: Path, seconds: float = 180) -> None:
    """Polls until the condition holds; fails with the worker's log when it never does."""
    pause = threading.Event()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        pause.wait(0.1)
    raise AssertionError(f"it never happened; the worker said:\n{log.read_text('utf-8', 'replace')[-3000:]}")
