"""PostgreSQL with many answers and maps: sizes, pages, exports and reports, the queue of jobs, what a migration locks.

python -m benchmarks big                                  1,000,000 answers, 120,000 maps, a private PostgreSQL
python -m benchmarks big --answers 10000000               10,000,000 and 1,200,000: about 15 GB of disk, an hour
DATABASE_URL=postgres://…/scratch python -m benchmarks big    an empty scratch database of yours

The rows are made inside PostgreSQL by one INSERT … SELECT per table (benchmarks/report_data.py, desk_data.py). They are no
participants' answers: nothing of them is in the ledger, the trigger lets rows without a link pass, and `manage.py verify`
would name every one of them.
"""

import argparse
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta

TABLES = (
    "trials_response",
    "trials_trial",
    "trials_participant",
    "stimuli_saliencymap",
    "stimuli_precomputejob",
)
LONGEST_LOCK_S = 1.0
JOBS = """
INSERT INTO stimuli_precomputejob (stimulus_id, classifier, methods, settings, state, attempts, reason, permanent, worker,
  created_at, queue, region_only)
SELECT s.id, 'c' || c, '["gradcam", "original"]', '{}', 'queued', 0, '', false, '', now(),
  '5/' || lpad((s.id %% 20)::text, 12, '0') || '/c' || c %% 4, false
FROM (SELECT id FROM stimuli_stimulus ORDER BY id LIMIT 10000) s CROSS JOIN generate_series(1, %s) c
"""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--answers", type=int, default=1_000_000)
    parser.add_argument("--jobs", type=int, default=1_000_000, help="that wait in the queue")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS))
    options = parser.parse_args()
    if not os.environ.get("DATABASE_URL", "").startswith("postgres"):
        from tests import servers

        with servers.postgres(servers.PLAIN) as url:
            environment = os.environ | {"DATABASE_URL": url}
            return subprocess.run(
                [sys.executable, "-m", "benchmarks.big", *sys.argv[1:]], env=environment, check=False
            ).returncode
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "survey_site.settings")
    import django

    django.setup()
    fill(options.answers)
    print(f"load of the machine: {os.getloadavg()[0]:.1f}", flush=True)
    return max(PARTS[name](options) for name in options.only)


def fill(answers: int) -> None:
    from django.contrib.auth import get_user_model
    from django.core.management import call_command

    from benchmarks.desk_data import fill_desk

    call_command("migrate", verbosity=0)
    user, _ = get_user_model().objects.get_or_create(
        username="benchmark", defaults={"is_staff": True, "is_superuser": True}
    )
    began = time.perf_counter()
    fill_desk(answers, user)
    print(f"filled in {time.perf_counter() - began:.0f} s")


def rows_of(sql: str, *values: object) -> list[tuple[object, ...]]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall() if cursor.description else []


def timed(work: Callable[[], object]) -> float:
    """Milliseconds of one call."""
    began = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - began)


def sizes(options: argparse.Namespace) -> int:
    """Rows and bytes of the large tables, and how long a VACUUM takes."""
    print(f"{'table':24}{'rows':>12}{'table MB':>10}{'indexes MB':>12}{'bytes/row':>11}{'VACUUM s':>10}")
    for table in TABLES:
        ((count, heap, indexes),) = rows_of(
            f"SELECT (SELECT count(*) FROM {table}), pg_table_size('{table}'), pg_indexes_size('{table}')"
        )
        seconds = timed(lambda table=table: rows_of(f"VACUUM ANALYZE {table}")) / 1000
        each = (heap + indexes) / max(count, 1)  # type: ignore[operator]
        print(f"{table:24}{count:12}{heap / 1e6:10.0f}{indexes / 1e6:12.0f}{each:11.0f}{seconds:10.1f}")  # type: ignore[operator]
    ((whole,),) = rows_of("SELECT pg_database_size(current_database())")
    print(f"database: {whole / 1e9:.1f} GB", flush=True)  # type: ignore[operator]
    return 0


def pages(options: argparse.Namespace) -> int:
    """Every list and page of the desk, then the report and its export, each by its own benchmark."""
    arguments = ["--responses", str(options.answers)]
    statuses = [
        subprocess.run(
            [sys.executable, "-m", f"benchmarks.{name}", *arguments, *more], check=False
        ).returncode
        for name, more in (("desk", ["--runs", "3", "--budget-ms", "1000"]), ("report", []))
    ]
    return max(statuses)


def queue(options: argparse.Namespace) -> int:
    """What workers and sweeps ask of the table of jobs while so many wait."""
    from django.utils import timezone

    from survey_site.celery import app
    from survey_site.stimuli import leased_rows, turns
    from survey_site.stimuli.models import PrecomputeJob
    from survey_site.stimuli.queue_depth import queue_depths

    rows_of(JOBS, max(options.jobs // 10_000, 1))
    rows_of("ANALYZE stimuli_precomputejob")
    app.send_task = lambda *_, **__: None  # rows are measured, not the broker
    waiting = PrecomputeJob.objects.filter(state="queued").count()
    print(f"{waiting} jobs wait in {len(turns.waiting(PrecomputeJob))} queues")
    held = turns.NOTHING

    def take() -> None:
        nonlocal held
        _, held = turns.take(PrecomputeJob, 16, "benchmark", held)

    later = timezone.now() + timedelta(hours=1)
    for name, work in {
        "first sweep": lambda: leased_rows.sweep([PrecomputeJob]),
        "sweep": lambda: leased_rows.sweep([PrecomputeJob]),
        "take 16": take,
        "take 16 again": take,
        "announce more": lambda: leased_rows.announce_more(PrecomputeJob),
        "sweep an hour later": lambda: leased_rows.sweep([PrecomputeJob], later),
        "queue depths": queue_depths,
    }.items():
        print(f"{name:24}{timed(work):10.1f} ms", flush=True)
    return 0


def locks(options: argparse.Namespace) -> int:
    """Writes into the largest table while it gets a column and an index; status 1 where one waits for over a second."""
    from django.db import connection

    worst, stop = [0.0], threading.Event()

    def write() -> None:
        while not stop.is_set():
            worst[0] = max(
                worst[0],
                timed(
                    lambda: rows_of(
                        "UPDATE trials_response SET seen = seen WHERE id = (SELECT min(id) FROM trials_response)"
                    )
                ),
            )
            stop.wait(0.005)
        connection.close()

    status = 0
    for name, statement in {
        "a column with a default": "ALTER TABLE trials_response ADD COLUMN benchmark varchar(10) NOT NULL DEFAULT ''",
        "an index, concurrently": "CREATE INDEX CONCURRENTLY benchmark_index ON trials_response (answered_at)",
        "the column away": "ALTER TABLE trials_response DROP COLUMN benchmark",
    }.items():
        worst[0] = 0.0
        stop.clear()
        writer = threading.Thread(target=write)
        writer.start()
        seconds = timed(lambda statement=statement: rows_of(statement)) / 1000
        stop.set()
        writer.join()
        print(f"{name:24}{seconds:8.2f} s; a write beside it took {worst[0]:.0f} ms at most", flush=True)
        status |= worst[0] > 1000 * LONGEST_LOCK_S
    rows_of("DROP INDEX benchmark_index")
    return int(status)


PARTS = {"sizes": sizes, "pages": pages, "queue": queue, "locks": locks}


if __name__ == "__main__":
    sys.exit(main())
