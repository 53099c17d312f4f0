"""Report and export over many responses, on PostgreSQL.

    DATABASE_URL=postgres://…/scratch python -m benchmarks.report [--responses 1000000] [--statistics] [--tasks all]

The database must be an empty scratch one: tables are created and filled in it. Ratios are to the plain scan and
to PostgreSQL's own COPY of the same query, measured in the same run; the smallest of three runs counts.
"""

import argparse
import os
import resource
import sys
import time
from collections.abc import Callable

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "survey_site.settings")
django.setup()

from django.core.cache import cache  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402

from benchmarks.report_data import ALL, PAPER, fill  # noqa: E402
from survey_site.reports import cached_report  # noqa: E402
from survey_site.reports.exports.columns import responses_columns  # noqa: E402
from survey_site.reports.exports.csv_stream import StreamTally, checksum, response_rows, responses_csv  # noqa: E402
from survey_site.reports.point_report import point_report, tasks_of  # noqa: E402
from survey_site.reports.point_sums import sums_by_condition  # noqa: E402
from survey_site.reports.population import Population, protocol_of  # noqa: E402
from survey_site.reports.report_types import cell_of  # noqa: E402
from survey_site.studies.models import Study  # noqa: E402

SCAN = (
    "SELECT condition_id, task, count(*), sum(score), sum(second_score) "
    "FROM trials_response GROUP BY condition_id, task"
)


def best(work: Callable[[], object], runs: int = 3) -> float:
    """Seconds of the fastest run."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def plain_scan() -> None:
    """The grouped sums of one table without any filter: what one sequential scan costs. Indexes do not help it."""
    with connection.cursor() as cursor:
        cursor.execute("SET enable_indexonlyscan = off")
        cursor.execute(SCAN)
        cursor.fetchall()
        cursor.execute("RESET enable_indexonlyscan")


def plain_copy(study: Study) -> None:
    """PostgreSQL's own COPY of the export's query, read and thrown away."""
    values = response_rows(study, Population()).values_list(
        *(column.source for column in responses_columns(study))
    )
    sql, params = values.query.sql_with_params()
    with (
        connection.cursor() as cursor,
        cursor.cursor.copy(f"COPY ({sql}) TO STDOUT (FORMAT csv)", params) as copy,
    ):
        while copy.read():
            pass


def export(study: Study) -> StreamTally:
    """The export as the web streams it, with row count and SHA-256."""
    tally = StreamTally()
    return checksum(responses_csv(study, Population(), tally), tally)


def cached_page(study: Study) -> float:
    """Seconds of the report page when the task's result is stored (statistics left empty: they cost the same)."""
    from django.contrib.auth import get_user_model

    user, _ = get_user_model().objects.get_or_create(
        username="benchmark", defaults={"is_staff": True, "is_superuser": True}
    )
    client = Client(SERVER_NAME="localhost")
    client.force_login(user)
    protocol = protocol_of(study)
    assert protocol is not None
    key = cached_report.data_version(protocol, Population())
    cached_report.store_points(key, point_report(study))
    page = best(lambda: client.get(f"/reports/{study.slug}/"))
    cache.clear()
    return page


def statistics(study: Study) -> None:
    """The Celery task itself, figures and supplement included: rows from the database, everything into the cache."""
    from survey_site.reports.tasks import analyse

    protocol = protocol_of(study)
    assert protocol is not None
    cpu = time.process_time()
    taken = best(lambda: analyse(study.pk, protocol.version, ""), 1)
    cpu = time.process_time() - cpu
    report = cached_report.report_of(cached_report.data_version(protocol, Population()))
    assert report is not None, "the task failed; its log says why"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    answers = sum(cell_of(c, o["key"])["n"] for c in report["columns"] for o in report["outcomes"])
    print(f"statistics and figures          {taken:7.1f} s   {cpu:5.1f} s of CPU here, peak {peak:.0f} MB")
    print(f"  of {answers} answers of {report['population']['participants']} participants")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--responses", type=int, default=1_000_000)
    parser.add_argument(
        "--statistics", action="store_true", help="only the task that the page asks for, its figures included"
    )
    parser.add_argument(
        "--tasks", choices=("paper", "all"), default="paper", help="the paper's two tasks, or all five"
    )
    wanted = parser.parse_args()
    if connection.vendor != "postgresql":
        sys.exit("set DATABASE_URL=postgres://… to an empty scratch database; the budgets are PostgreSQL's")
    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)  # pages name static files by their hash
    study = Study.objects.filter(slug="benchmark").first() or fill(
        wanted.responses, asked=ALL if wanted.tasks == "all" else PAPER
    )
    protocol = protocol_of(study)
    assert protocol is not None
    if wanted.statistics:
        statistics(study)
        return
    tasks = [one.task for one in tasks_of(study, protocol)]
    scan = best(plain_scan)
    sums = best(lambda: sums_by_condition(protocol, Population(), tasks))
    version = best(lambda: cached_report.data_version(protocol, Population()))
    print(f"plain scan with sums            {scan:7.2f} s")
    print(f"point estimates                 {sums:7.2f} s   {sums / scan:5.2f} × the scan")
    print(f"data version                    {version:7.3f} s")
    print(f"page from cache                 {cached_page(study):7.3f} s")
    copied = best(lambda: plain_copy(study), 2)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    tallies: list[StreamTally] = []
    exported = best(lambda: tallies.append(export(study)), 2)
    tally = tallies[-1]
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"PostgreSQL's COPY of the query  {copied:7.2f} s")
    print(f"responses.csv                   {exported:7.2f} s   {copied / exported:5.2f} × the speed of COPY")
    print(f"rows {tally.rows}, {tally.size / 1e6:.0f} MB, sha256 {tally.sha256.hexdigest()[:16]}…")
    print(f"memory of the export            {(after - before) / 1024:7.1f} MB more at its peak")


if __name__ == "__main__":
    main()
