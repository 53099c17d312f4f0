"""What workers, the scheduler and commands do with a large database; each returns what its row says beside the times."""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import transaction

from benchmarks import report as plain
from benchmarks.big_parts import asking
from benchmarks.big_parts.filling import BULK, DRAFT, LARGE
from survey_site.desk.schedule import of_the_site
from survey_site.reports import cached_report, prepared_files, tasks
from survey_site.reports.cached_task import progress_of
from survey_site.reports.point_report import point_report, tasks_of
from survey_site.reports.point_sums import sums_by_condition
from survey_site.reports.population import Population, protocol_of
from survey_site.stimuli import jobs
from survey_site.studies.models import Study
from survey_site.trials.deletion import holdings

Works = dict[str, Callable[[], Any]]


class Rolled(Exception):
    """Undoes what was timed."""


def of(slug: str) -> Study:
    return Study.objects.get(slug=slug)


def reports() -> Works:
    """Point estimates beside a bare scan, the statistics with their figures, the files that the worker of reports makes."""

    def sums() -> None:
        protocol = protocol_of(of(LARGE))
        assert protocol is not None
        sums_by_condition(protocol, Population(), [one.task for one in tasks_of(of(LARGE), protocol)])

    return {
        "plain scan with sums": plain.plain_scan,
        "sums by condition": sums,
        "point estimates, as the page prints them": lambda: bool(point_report(of(LARGE))),
        "data version": lambda: bool(_version()),
        "fingerprint of the data files": lambda: bool(prepared_files.fingerprint(of(LARGE), Population())),
        "COPY of the query of responses.csv": lambda: plain.plain_copy(of(LARGE)),
        "statistics and figures": _statistics,
        **{f"data file {kind}": partial(_prepared, kind) for kind in prepared_files.FORMATS},
    }


def _version() -> str:
    protocol = protocol_of(of(LARGE))
    assert protocol is not None
    return cached_report.data_version(protocol, Population())


def _statistics() -> str:
    protocol = protocol_of(of(LARGE))
    assert protocol is not None
    tasks.analyse(of(LARGE).pk, protocol.version, "")
    key = _version()
    found = cached_report.report_of(key)
    return f"{found['population']['participants']} participants" if found else f"failed: {progress_of(key)}"


def _prepared(kind: str) -> str:
    study = of(LARGE)
    tasks.data_file(study.pk, "", kind)
    path = prepared_files.path_of(study, Population(), kind, prepared_files.fingerprint(study, Population()))
    return "" if prepared_files.is_ready(path) else f"none made: {progress_of(path)}"


def written() -> Works:
    """The exports that commands write, into a folder that goes with them."""
    made: dict[str, tuple[str, ...]] = {
        f"export_data --format {kind}": ("export_data", LARGE, "--format", kind)
        for kind in ("csv", "parquet", "psych-ds")
    }
    made["export_study --no-media"] = ("export_study", LARGE, "--no-media")
    return {name: partial(_write, *arguments) for name, arguments in made.items()}


def _write(*arguments: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        call_command(*arguments, "--out", f"{folder}/made")
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    return f"{size / 1e6:.0f} MB"


def recurring() -> Works:
    """Whatever the scheduler does, what is asked from outside again and again, and the operator's commands."""
    commands: dict[str, tuple[str, ...]] = {
        "doctor": ("doctor",),
        "sizing": ("sizing",),
        "tidy": ("tidy",),
        "retention": ("retention",),
        f"report {LARGE} --points-only": ("report", LARGE, "--points-only"),
        f"delete_study {BULK}, which says what it holds": ("delete_study", BULK),
        f"verify {DRAFT}": ("verify", DRAFT),
        f"verify {LARGE}": ("verify", LARGE),
    }
    return {
        **{one.name: lambda one=one: one.work() and None for one in of_the_site()._next},
        **{address: partial(_status, address) for address in ("/metrics", "/readyz", "/healthz")},
        **{name: partial(call_command, *arguments) for name, arguments in commands.items()},
        f"holdings of {LARGE}": lambda: str(holdings(of(LARGE))),
    }


def _status(address: str) -> str:
    return f"status {asking.download('benchmark', address).status}"


def of_jobs() -> Works:
    """What the Maps page does with all jobs of a study, undone after it was timed."""
    works: Works = {
        "jobs.request": lambda: jobs.request(of(DRAFT)),
        "jobs.missing_maps": lambda: len(jobs.missing_maps(of(DRAFT))),
        "jobs.progress": lambda: jobs.progress(of(BULK)).total,
        "jobs.pause": lambda: jobs.pause(of(BULK)),
        "jobs.resume, after a pause": lambda: (jobs.pause(of(BULK)), jobs.resume(of(BULK)))[1],
        "jobs.retry_failed": lambda: jobs.retry_failed(of(BULK)),
        "jobs.cancel": lambda: jobs.cancel(of(BULK)),
    }
    return {name: partial(_undone, work) for name, work in works.items()}


def _undone(work: Callable[[], int]) -> str:
    rows = 0
    try:
        with transaction.atomic():
            rows = work()
            raise Rolled
    except Rolled:
        return f"{rows} rows"
