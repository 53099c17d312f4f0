"""A real streaming replica: a report reads from it while it has what the primary has, and from the primary otherwise."""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests import servers
from tests.stack.part import ROOT
from tests.stack.waiting import until

pytestmark = pytest.mark.slow
PLAY = """
from django.core.management import call_command
call_command("migrate", verbosity=0)
call_command("collectstatic", verbosity=0, interactive=False)
from tests import factories
factories.live()
call_command("simulate", "test", participants=2, seed=1)
"""
ASK = """
from survey_site import replica
from survey_site.reports import cached_report
from survey_site.reports.point_report import point_report
from survey_site.reports.population import Population, protocol_of
from survey_site.studies.models import Study
from survey_site.trials.models import Response
study = Study.objects.get()
protocol = protocol_of(study)
with replica.reading(lambda: cached_report.data_version(protocol, Population())) as elsewhere:
    count = Response.objects.count()
    report = point_report(study)
print(elsewhere, count, Response.objects.using("default").count())
"""


def run(code: str, **variables: str) -> list[str]:
    """What a program of the site prints last."""
    begin = "import django; django.setup()\n"
    done = subprocess.run(
        [sys.executable, "-c", begin + code],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "survey_site.settings", **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.split()[-3:]


@contextlib.contextmanager
def standby(primary: str, folder: Path) -> Iterator[str]:
    """URL of a replica of the server, made by pg_basebackup."""
    user = servers.unprivileged(str(folder))
    data, port = folder / "replica", servers.free_port()
    as_owner = {"user": user, "cwd": folder, "stdout": subprocess.DEVNULL}
    subprocess.run(
        [
            str(servers.find("pg_basebackup")),
            "-d",
            primary,
            "-D",
            str(data),
            "-R",
            "-X",
            "stream",
            "-c",
            "fast",
        ],
        check=True,
        **as_owner,
    )
    command = [str(servers.find("postgres")), "-D", str(data), "-p", str(port), "-k", str(folder)]
    # A standby that may have fewer connections than its primary answers nobody.
    settings = ["listen_addresses=127.0.0.1", *servers.PLAIN]
    server = subprocess.Popen(
        [*command, *(f"-c{one}" for one in settings)], stderr=subprocess.DEVNULL, **as_owner
    )
    url = primary.replace(primary.rsplit(":", 1)[1].split("/")[0], str(port))
    try:
        until(lambda: _answers(url), "the replica answers", 60)
        yield url
    finally:
        server.terminate()
        server.wait(30)


def _answers(url: str) -> bool:
    with contextlib.suppress(psycopg.OperationalError), psycopg.connect(url) as connection:
        found = connection.execute("SELECT count(*) FROM trials_response").fetchone()
        return found is not None
    return False


def count(url: str) -> int:
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT count(*) FROM trials_response").fetchone()
        assert found is not None
        return int(found[0])


def test_a_report_reads_from_the_replica_unless_it_is_behind_or_gone(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    if not servers.find("pg_basebackup"):
        pytest.skip("needs PostgreSQL's pg_basebackup")
    with tempfile.TemporaryDirectory(prefix="replica-") as name, servers.postgres() as primary:
        folder = Path(name)
        site = {
            "DATABASE_URL": primary,
            "DATA_DIR": str(tmp_path_factory.mktemp("data")),
            "CELERY_BROKER_URL": "",
        }
        run(PLAY, **site)
        with standby(primary, folder) as url:
            both = site | {"DATABASE_REPLICA_URL": url}
            until(lambda: count(url) == count(primary), "the replica has caught up", 30)
            assert run(ASK, **both) == ["True", str(count(primary)), str(count(primary))]
            with psycopg.connect(url, autocommit=True) as line:
                line.execute("SELECT pg_wal_replay_pause()")  # it falls behind
            run(
                "from django.core.management import call_command\ncall_command('simulate', 'test', participants=1, seed=2)",
                **site,
            )
            assert count(url) < count(primary)
            assert run(ASK, **both) == ["False", str(count(primary)), str(count(primary))]
        assert run(ASK, **both) == ["False", str(count(primary)), str(count(primary))]  # it is gone
