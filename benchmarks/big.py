"""PostgreSQL with many answers and maps: sizes, every page, list, export and report, the queue of jobs, locks of migrations.

python -m benchmarks big                                  1,000,000 answers, 240,000 maps, a private PostgreSQL and Redis
python -m benchmarks big --answers 10000000               10,000,000 and 1,320,000: about 25 GB of disk, some hours
DATABASE_URL=postgres://…/scratch python -m benchmarks big    an empty scratch database of yours
DATABASE_URL=… CACHE_URL=… python -m benchmarks big --no-fill --only exports    and once more, with what it holds by then

Tables in Markdown, a row at a time; what fails or takes longer than its bound is a row too. Every item runs in a process
of its own. The statistics, which some exports need, are made in `report` and stay in the cache: with --only, and a Redis of
its own, a run has to name both.

The rows are made inside PostgreSQL by one INSERT … SELECT per table (benchmarks/report_data.py, desk_data.py,
big_parts/filling.py). They are no participants' answers: nothing of them is in the ledger, the trigger lets rows without a
link pass, and `manage.py verify` would name every one of them.
"""

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial

# The last two: filling is not to wait for checkpoints, and the query of a process that was stopped ends with it.
SERVER = (
    "shared_buffers=1GB",
    "max_wal_size=8GB",
    "checkpoint_timeout=30min",
    "client_connection_check_interval=1000",
)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--answers", type=int, default=1_000_000)
    parser.add_argument("--jobs", type=int, default=1_000_000, help="that wait in the queue")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--no-fill", action="store_true", help="the database is filled already")
    parser.add_argument("--bound-s", type=float, default=120, help="after which an item is given up")
    parser.add_argument(
        "--long-s", type=float, default=1800, help="the same for statistics, files and commands"
    )
    parser.add_argument("--budget-ms", type=float, default=1000, help="a page above it is marked")
    parser.add_argument("--memory-gb", type=float, default=4, help="for each item; 0: as much as there is")
    parser.add_argument(
        "--reader-s", type=float, default=20, help="how long the reader beside migrations reads"
    )
    options = parser.parse_args()
    environment = _own_servers()
    if environment is None:
        return measure(options)
    with environment as variables:
        command = [sys.executable, "-m", "benchmarks.big", *sys.argv[1:]]
        return subprocess.run(command, env=os.environ | variables, check=False).returncode


def _own_servers() -> "contextlib.AbstractContextManager[dict[str, str]] | None":
    """What is missing of PostgreSQL, Redis and a folder for files, for one run; None where all is there."""
    missing = [
        name
        for name in ("DATABASE_URL", "CACHE_URL", "CELERY_BROKER_URL", "DATA_DIR")
        if not os.environ.get(name)
    ]
    return _served(missing) if missing else None


@contextlib.contextmanager
def _served(missing: list[str]):  # type: ignore[no-untyped-def]
    from tests import servers

    with contextlib.ExitStack() as stack:
        variables = {}
        if "DATABASE_URL" in missing:
            variables["DATABASE_URL"] = stack.enter_context(servers.postgres((*servers.PLAIN, *SERVER)))
        if {"CACHE_URL", "CELERY_BROKER_URL"} & set(missing):
            redis = stack.enter_context(servers.redis())
            ours = {"CELERY_BROKER_URL": redis, "CACHE_URL": f"{redis.removesuffix('/0')}/1"}
            variables |= {name: ours[name] for name in missing if name in ours}
        if "DATA_DIR" in missing:
            variables["DATA_DIR"] = stack.enter_context(tempfile.TemporaryDirectory())
        print(" ".join(f"{name}={value}" for name, value in variables.items()), flush=True)
        yield variables


def measure(options: argparse.Namespace) -> int:
    """The parts asked for, in their order; a part that dies takes no other along."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "survey_site.settings")
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    from benchmarks.big_parts import filling

    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    call_command("collectstatic", verbosity=0, interactive=False)
    if not options.no_fill:
        filling.fill(options)
    filling.files()
    statuses = []
    for name, part in PARTS.items():
        if name in options.only:
            print(f"\nload of the machine: {os.getloadavg()[0]:.1f}", flush=True)
            try:
                statuses.append(part(options))
            except Exception as error:
                print(f"\n{name} failed: {type(error).__name__}: {error}", flush=True)
                statuses.append(1)
    return max(statuses)


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
    from benchmarks.big_parts.bounded import Table

    table = Table("Sizes", "table", "rows", "table MB", "indexes MB", "bytes a row", "VACUUM ANALYZE s")
    large = rows_of(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace "
        "ORDER BY pg_total_relation_size(oid) DESC LIMIT 12"
    )
    for (name,) in large:
        ((count, heap, indexes),) = rows_of(
            f"SELECT (SELECT count(*) FROM {name}), pg_table_size('{name}'), pg_indexes_size('{name}')"
        )
        seconds = timed(partial(rows_of, f"VACUUM ANALYZE {name}")) / 1000
        each = (heap + indexes) / max(count, 1)  # type: ignore[operator, call-overload]
        table.row(name, count, heap / 1e6, indexes / 1e6, each, seconds)  # type: ignore[operator]
    ((whole,),) = rows_of("SELECT pg_database_size(current_database())")
    print(f"\ndatabase: {whole / 1e9:.1f} GB", flush=True)  # type: ignore[operator]
    return 0


def pages(options: argparse.Namespace) -> int:
    """Every page of the desk about a study, and every page about one object."""
    from benchmarks.big_parts import addresses, asking, filling

    ask, limits = partial(asking.page, "benchmark"), (bounds(options), options.budget_ms)
    slugs = (filling.LARGE, filling.DRAFT)
    asking.address_table("Pages of two studies", partial(addresses.pages, slugs), ask, *limits)
    return asking.address_table("Pages of one object", addresses.objects, ask, *limits)


def lists(options: argparse.Namespace) -> int:
    """Every list of the desk, for somebody who sees all and for a researcher with one study."""
    from benchmarks.big_parts import addresses, asking

    for user in ("benchmark", "researcher"):
        find, ask = partial(addresses.lists_of, user), partial(asking.page, user)
        asking.address_table(f"Lists for the {user}", find, ask, bounds(options), options.budget_ms)
    return 0


def report(options: argparse.Namespace) -> int:
    """Point estimates, statistics, prepared files."""
    from benchmarks.big_parts import bounded, works

    return bounded.work_table("Reports", works.reports(), bounds(options, options.long_s))


def exports(options: argparse.Namespace) -> int:
    """Every download below the report, and what commands write."""
    from benchmarks.big_parts import addresses, asking, bounded, filling, works

    find, ask = partial(addresses.exports, filling.LARGE), partial(asking.download, "benchmark")
    asking.export_table("Downloads", find, ask, bounds(options))
    return bounded.work_table("Exports by commands", works.written(), bounds(options, options.long_s))


def api(options: argparse.Namespace) -> int:
    """Every view of the API, with a token."""
    from django.contrib.auth.models import User

    from benchmarks.big_parts import addresses, asking, filling
    from survey_site.accounts import tokens
    from survey_site.accounts.models import ApiToken

    user = User.objects.get(username="benchmark")
    _, key = tokens.make(user, "benchmark", ApiToken.Scope.values)
    find = partial(addresses.api, (filling.LARGE, filling.DRAFT, filling.BULK))
    ask = partial(asking.by_token, key)
    return asking.address_table("The API", find, ask, bounds(options), options.budget_ms)


def tasks(options: argparse.Namespace) -> int:
    """The scheduler's work, what is scraped, commands, and what the Maps page does with all jobs."""
    from benchmarks.big_parts import bounded, works

    bounded.work_table("Recurring work and commands", works.recurring(), bounds(options))
    return bounded.work_table("All jobs of a study", works.of_jobs(), bounds(options))


def bounds(options: argparse.Namespace, seconds: float = 0.0):  # type: ignore[no-untyped-def]
    from benchmarks.big_parts.bounded import Bounds

    return Bounds(seconds or options.bound_s, options.memory_gb)


def queue(options: argparse.Namespace) -> int:
    """What workers and sweeps ask of the table of jobs while so many wait."""
    from django.utils import timezone

    from benchmarks.big_parts.bounded import Table
    from survey_site.celery import app
    from survey_site.stimuli import leased_rows, turns
    from survey_site.stimuli.models import PrecomputeJob
    from survey_site.stimuli.queue_depth import queue_depths

    send, app.send_task = app.send_task, lambda *_, **__: None  # rows are measured, not the broker
    waiting = PrecomputeJob.objects.filter(state="queued").count()
    queues = len(turns.waiting(PrecomputeJob))
    table = Table(f"{waiting} jobs wait in {queues} queues", "what", "ms", "")
    held = turns.NOTHING

    def take() -> None:
        nonlocal held
        _, held = turns.take(PrecomputeJob, 16, "benchmark", held)

    later = timezone.now() + timedelta(hours=1)
    rows_of("SELECT set_config('statement_timeout', %s, false)", f"{options.bound_s:.0f}s")
    for name, work in {
        "first sweep": lambda: leased_rows.sweep([PrecomputeJob]),
        "sweep": lambda: leased_rows.sweep([PrecomputeJob]),
        "take 16": take,
        "take 16 again": take,
        "announce more": lambda: leased_rows.announce_more(PrecomputeJob),
        "sweep an hour later": lambda: leased_rows.sweep([PrecomputeJob], later),
        "queue depths": queue_depths,
    }.items():
        try:
            table.row(name, timed(work))
        except Exception as error:
            table.row(name, "", f"{type(error).__name__}: {error}")
    rows_of("RESET statement_timeout")
    app.send_task = send
    return 0


def locks(options: argparse.Namespace) -> int:
    """What a migration of the table of answers makes its writers wait for."""
    from benchmarks.big_parts import locks as beside

    return beside.locks(options)


PARTS = {
    "sizes": sizes,
    "pages": pages,
    "lists": lists,
    "queue": queue,
    "report": report,
    "exports": exports,
    "api": api,
    "tasks": tasks,
    "locks": locks,
}


if __name__ == "__main__":
    sys.exit(main())
