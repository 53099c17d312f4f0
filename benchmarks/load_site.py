"""A private site for the benchmarks of load: tables, a live study, web processes, and what CPU they spend."""

import contextlib
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests import servers

ROOT = Path(__file__).resolve().parent.parent
STUDY = f"load-{secrets.token_hex(4)}"  # a new one each time, so that the database need not be empty


@contextlib.contextmanager
def prepared() -> Iterator[Path]:
    """Tables in DATABASE_URL, or SQLite in a temporary folder; static files and a live study of 24 images. The folder."""
    with tempfile.TemporaryDirectory(prefix="survey-load-") as folder:
        os.environ["DATA_DIR"] = folder
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "survey_site.settings")
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        call_command("collectstatic", verbosity=0, interactive=False)
        from survey_site.stimuli.storage import MARK
        from tests import factories

        media = Path(folder) / "media"
        media.mkdir(exist_ok=True)
        (media / MARK).touch()  # the database may name files of a run before, whose folder is gone
        factories.live(
            STUDY, images=24, pool_size=4, rating_trials_per_column=4, matching_trials_per_column=2, reserve=6
        )
        yield Path(folder)


@contextlib.contextmanager
def serving(workers: int, threads: int, interface: str) -> Iterator[tuple[int, int]]:
    """Web processes of the prepared site: their port and their parent's process."""
    port = servers.free_port()
    command = [
        *(sys.executable, "-m", "granian", "--interface", interface, "--host", "127.0.0.1", "--no-ws"),
        *("--port", str(port), "--workers", str(workers)),
        *(("--blocking-threads", str(threads)) if interface == "wsgi" else ()),
        *("--backlog", "2048", "--log-level", "warning", f"survey_site.{interface}:application"),
    ]
    server = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"REQUEST_THREADS": str(threads)})
    try:
        servers.wait_for(port, server)
        yield port, server.pid
    finally:
        server.terminate()
        server.wait(20)


@dataclass(frozen=True, slots=True)
class Spent:
    """CPU seconds so far of server, client and the database's own processes; empty where the system does not tell."""

    server: float | None
    client: float
    database: float | None

    @classmethod
    def now(cls, *parents: int) -> "Spent":
        """Of the servers' processes below these, front servers included."""
        processes = [process for parent in parents for process in family(parent)]
        return cls(cpu(processes), time.process_time(), cpu(_backends()))


def cpu(processes: list[int]) -> float | None:
    """Of these processes together, by Linux's /proc."""
    ticks = 0
    for process in processes:
        try:
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK") if processes else None


def family(parent: int) -> list[int]:
    """A process and its children."""
    with contextlib.suppress(OSError):
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        return [parent, *(int(child) for child in children)]
    return []


def _backends() -> list[int]:
    """PostgreSQL's processes that serve this database; none where it runs on another machine, or is SQLite."""
    from django.db import connection

    if connection.vendor != "postgresql" or connection.settings_dict["HOST"] not in (
        "",
        "localhost",
        "127.0.0.1",
    ):
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")
        return [pid for (pid,) in cursor.fetchall()]
