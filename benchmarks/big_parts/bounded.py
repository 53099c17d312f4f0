"""Work in a process of its own, which is stopped after so many seconds and gets so much memory; and its row in Markdown."""

import logging
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

FORK = multiprocessing.get_context("fork")  # everything is imported already


@dataclass(frozen=True, slots=True)
class Outcome:
    """error: why there is no result. told: what the work returned. peak_mb: memory beyond what the process had before."""

    error: str = ""
    told: Any = None
    seconds: float = 0.0
    cpu: float = 0.0
    peak_mb: float = 0.0


@dataclass(frozen=True, slots=True)
class Bounds:
    """seconds: after which an item is given up. memory_gb: as REPORTS_MEMORY of docker-compose.yml; 0 sets no bound."""

    seconds: float
    memory_gb: float = 4

    def run(self, work: Callable[[], Any]) -> Outcome:
        """Raises nothing: one item that fails is a row, and the others come after it.

        A PostgreSQL of one's own needs client_connection_check_interval, or goes on with the query of who was stopped.
        """
        _disconnect()  # neither a connection nor a pool lives in two processes
        reader, writer = FORK.Pipe(duplex=False)
        child = FORK.Process(target=_run, args=(work, writer, self.memory_gb))
        child.start()
        writer.close()
        try:
            found = reader.recv() if reader.poll(self.seconds) else Outcome(f"> {self.seconds:.0f} s")
        except EOFError:
            child.join(5)
            found = Outcome(f"the process ended with status {child.exitcode}")
        child.kill()
        child.join()
        return found


def _disconnect() -> None:
    from django.db import connections

    connections.close_all()
    for one in connections.all(initialized_only=True):
        if hasattr(one, "close_pool"):
            one.close_pool()


def _run(work: Callable[[], Any], writer: Any, memory_gb: float) -> None:
    logging.disable(logging.CRITICAL)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    if memory_gb:
        now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (now + int(memory_gb * 2**30), resource.RLIM_INFINITY))
    before, began, cpu = _peak_kb(), time.perf_counter(), time.process_time()
    try:
        found = Outcome(told=work())
    except BaseException as error:  # commands end by SystemExit
        found = Outcome(f"{type(error).__name__}: {' '.join(str(error).split())[:160]}")
    spent = time.perf_counter() - began, time.process_time() - cpu, (_peak_kb() - before) / 1024
    writer.send(replace(found, seconds=spent[0], cpu=spent[1], peak_mb=spent[2]))
    writer.close()
    os._exit(0)


def _peak_kb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


class Table:
    """A table in Markdown, a row at a time, so that a run that is stopped has said what it knew."""

    def __init__(self, title: str, *columns: str) -> None:
        print(f"\n**{title}**\n\n| {' | '.join(columns)} |\n|{' --- |' * len(columns)}", flush=True)
        self.columns = columns

    def row(self, *cells: object) -> None:
        told = [f"{cell:.0f}" if isinstance(cell, float) and abs(cell) >= 100 else
                f"{cell:.2f}" if isinstance(cell, float) else str(cell).replace("|", "\\|")
                for cell in cells]  # fmt: skip
        told += [""] * (len(self.columns) - len(told))
        print(f"| {' | '.join(told)} |", flush=True)
        sys.stdout.flush()


def work_table(title: str, works: dict[str, Callable[[], Any]], bounds: Bounds) -> int:
    """Each in a process of its own; what a work returns stands in its row if it is a text or a number."""
    table = Table(title, "what", "s", "CPU s here", "peak MB", "")
    for name, work in works.items():
        found = bounds.run(work)
        told = found.told if isinstance(found.told, str | int) and not isinstance(found.told, bool) else ""
        if found.seconds:
            table.row(name, found.seconds, found.cpu, found.peak_mb, found.error or told)
        else:
            table.row(name, found.error)
    return 0
