"""Every list of the desk, searched, filtered and sorted, the dashboard and the monitor, over many responses.

    DATABASE_URL=postgres://…/scratch python -m benchmarks.desk [--responses 1000000] [--runs 5] [--budget-ms 300]

The database must be an empty scratch one: tables are created and filled in it. Without DATABASE_URL a private
PostgreSQL is started. Each page is asked for once to warm it, then `--runs` times; its median time counts, and its
queries must be under 30. “cpu” is the web process's own work, “db” the queries of the first call.
Ends with status 1 where a page is over budget.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

RESPONSES = 1_000_000
MOST_QUERIES = 30


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--responses", type=int, default=RESPONSES)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--budget-ms", type=float, default=300)
    parser.add_argument(
        "--plans", action="store_true", help="print the slowest query of each page over budget"
    )
    wanted = parser.parse_args()
    if not os.environ.get("DATABASE_URL", "").startswith("postgres"):
        return _on_a_private_server()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "survey_site.settings")
    import django

    django.setup()
    return measure(wanted)


def _on_a_private_server() -> int:
    """The same again with a PostgreSQL of its own, which takes its data along when it goes."""
    from tests import servers

    try:
        servers.install(["initdb"])
    except servers.Missing as error:
        sys.exit(str(error))
    with servers.postgres(servers.PLAIN) as url:
        return subprocess.run(
            [sys.executable, "-m", "benchmarks.desk", *sys.argv[1:]],
            env={**os.environ, "DATABASE_URL": url},
            check=False,
        ).returncode


def measure(wanted: argparse.Namespace) -> int:
    """Prints a line for each page; 1 where one is over budget."""
    from django.conf import settings
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from benchmarks.desk_data import fill_desk

    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)  # pages name static files by their hash
    user, _ = get_user_model().objects.get_or_create(
        username="benchmark", defaults={"is_staff": True, "is_superuser": True}
    )
    study = fill_desk(wanted.responses, user)
    client = Client(SERVER_NAME="localhost")
    client.force_login(user)
    over = []
    print(f"{'ms':>7} {'cpu ms':>7} {'db ms':>7} {'queries':>7}  page", flush=True)
    for path in paths(study):
        with CaptureQueriesContext(connection) as captured:
            status = client.get(path).status_code
        queries = captured.captured_queries  # the next request forgets them
        in_database = 1000 * sum(_seconds(query) for query in queries)
        times, own = [], []
        for _run in range(wanted.runs):
            start, cpu = time.perf_counter(), time.process_time()
            client.get(path)
            times.append(1000 * (time.perf_counter() - start))
            own.append(1000 * (time.process_time() - cpu))
        median = statistics.median(times)
        bad = status != 200 or median > wanted.budget_ms or len(queries) >= MOST_QUERIES
        figures = f"{median:7.0f} {statistics.median(own):7.0f} {in_database:7.0f} {len(queries):7}"
        print(f"{figures}  {path}{'   OVER' if bad else ''}", flush=True)
        if bad:
            over.append(path)
            if wanted.plans:
                slowest = max(queries, key=_seconds, default={"time": "–", "sql": ""})
                print(f"        {slowest['time']} s  {slowest['sql'][:900]}")
    print(f"{len(over)} over budget ({wanted.budget_ms:.0f} ms, {MOST_QUERIES} queries)")
    return int(bool(over))


def _seconds(query: dict[str, str]) -> float:
    return float(query["time"])


def paths(study: object) -> Iterator[str]:
    """The dashboard, the study's pages that count, and the lists."""
    from django.contrib.auth import get_user_model
    from django.urls import reverse

    yield reverse("admin:index")
    for name in ("studies_study_change", "study_monitor", "study_monitor-live", "study_precompute"):
        yield reverse(f"admin:{name}", args=[study.pk])  # type: ignore[attr-defined]
    yield from lists(get_user_model().objects.get(username="benchmark"))


def lists(user: object) -> Iterator[str]:
    """Of each list that the user sees: plain, last page, every filter, search and sort."""
    from django.contrib import admin
    from django.test import RequestFactory
    from django.urls import reverse

    request = RequestFactory().get("/")
    request.user = user  # type: ignore[assignment]
    for model, model_admin in admin.site._registry.items():
        if not model_admin.has_view_permission(request):
            continue
        start = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        yield start
        changes = model_admin.get_changelist_instance(request)
        if changes.page_num < changes.paginator.num_pages:
            yield f"{start}?p={changes.paginator.num_pages}"
        if model_admin.get_search_fields(request):
            yield f"{start}?q=image-04"
            yield f"{start}?q=nothing+like+this"
        for spec in changes.filter_specs:
            chosen = [choice["query_string"] for choice in spec.choices(changes)][1:]
            yield from (f"{start}{query}" for query in chosen[:3])
        sortable = [n for n, name in enumerate(changes.list_display) if changes.get_ordering_field(name)]
        yield from (f"{start}?o={number}" for number in sortable)


if __name__ == "__main__":
    sys.exit(main())
