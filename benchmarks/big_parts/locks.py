"""The largest table gets a column and an index by `manage.py migrate`, while somebody reads it for long and another writes.

lock_app holds the migrations; lock_settings installs it. The product's own command runs them, so whatever it does about
locks counts; a plain ALTER would wait behind the reader, and every writer behind the ALTER.
"""

import argparse
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
from django.db import connection

from benchmarks.big_parts.bounded import Table

LONGEST_LOCK_S = 1.0
STEPS = {
    "a column with a default": "0001",
    "an index, concurrently": "0002",
    "both away again": "zero",
}
WRITE = "UPDATE trials_response SET seen = seen WHERE id = (SELECT min(id) FROM trials_response)"
LOOK = "SELECT count(*) FROM (SELECT 1 FROM trials_response LIMIT 1000) looked"


def locks(options: argparse.Namespace) -> int:
    """Status 1 where a writer waited for over a second, or a migration did not succeed at all."""
    table = Table(
        f"Migrating the largest table beside a transaction that reads it and stays open for {options.reader_s:.0f} s",
        "what", "s, the start of the program included", "longest wait of a write, ms", "",
    )  # fmt: skip
    status = 0
    for reader_s in (0.0, options.reader_s):
        beside = f"beside a reader of {reader_s:.0f} s" if reader_s else "nobody reads"
        for name, target in STEPS.items():
            seconds, worst, said = _migrated(target, reader_s, options.long_s)
            table.row(f"{name}; {beside}", seconds, 1000 * worst, said)
            status |= worst > LONGEST_LOCK_S or bool(said)
    return int(status)


def _migrated(target: str, reader_s: float, within_s: float) -> tuple[float, float, str]:
    """Seconds of the command, the longest wait of a write beside it, and what it said where it failed."""
    stop, worst = threading.Event(), [0.0]
    reading = threading.Event()
    beside = [
        threading.Thread(target=_beside, args=(_write, stop, worst)),
        threading.Thread(target=_beside, args=(_read, stop, reading, reader_s)),
    ]
    for thread in beside:
        thread.start()
    reading.wait(10)
    began, said = time.perf_counter(), ""
    try:
        done = subprocess.run(
            [sys.executable, "manage.py", "migrate", "lock_app", target, "-v0"],
            cwd=Path(__file__).parents[2],
            env=os.environ | {"DJANGO_SETTINGS_MODULE": "benchmarks.big_parts.lock_settings"},
            capture_output=True,
            text=True,
            timeout=within_s,
            check=False,
        )
        if done.returncode:
            said = f"status {done.returncode}: {' '.join(done.stderr.split())[-160:]}"
    except subprocess.TimeoutExpired:
        said = f"> {within_s:.0f} s"
    seconds = time.perf_counter() - began
    stop.set()
    for thread in beside:
        thread.join()
    return seconds, worst[0], said


def _beside(work: Callable[..., None], *arguments: object) -> None:
    values = {k: v for k, v in connection.get_connection_params().items() if k in _PLAIN}
    with psycopg.connect(**values, autocommit=True) as own:
        work(own, *arguments)


_PLAIN = ("dbname", "user", "password", "host", "port", "sslmode")


def _write(own: psycopg.Connection, stop: threading.Event, worst: list[float]) -> None:
    while not stop.is_set():
        began = time.perf_counter()
        own.execute(WRITE)
        worst[0] = max(worst[0], time.perf_counter() - began)
        stop.wait(0.005)


def _read(own: psycopg.Connection, stop: threading.Event, reading: threading.Event, seconds: float) -> None:
    """An export or pg_dump: its lock lasts to the end of its transaction."""
    if seconds:
        own.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        with own.transaction():
            own.execute(LOOK)
            reading.set()
            stop.wait(seconds)
    reading.set()
