"""The benchmarks' rows still fit the tables, and the page and the database agree on them."""

import argparse

import pytest
from django.contrib.auth.models import User
from django.db import connection

from benchmarks.big_parts import filling
from benchmarks.desk_data import fill_desk
from benchmarks.report_data import ALL, TRIALS, fill
from survey_site.reports.analysis_rows import map_rows
from survey_site.reports.exports.csv_stream import StreamTally, checksum, responses_csv
from survey_site.reports.point_report import point_report
from survey_site.reports.population import Population
from survey_site.stimuli.models import MapPicture, PrecomputeJob, SaliencyMap
from survey_site.studies.models import AuditEntry, Study
from survey_site.tasks.registry import installed, task
from survey_site.trials.models import Exposure, Response, Trial

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _postgresql(transactional_db: None) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("the benchmarks' rows are made by PostgreSQL's own functions")


def test_the_made_study_is_counted_whole() -> None:
    study = fill(5 * TRIALS)
    columns = point_report(study)["columns"]
    assert sum(column["faith"]["n"] + column["index"]["n"] for column in columns) == 5 * TRIALS
    tally = StreamTally()
    checksum(responses_csv(study, Population(), tally), tally)
    assert tally.rows == 5 * TRIALS


def test_answers_of_all_five_tasks_are_what_these_tasks_accept() -> None:
    study = fill(5 * TRIALS, asked=ALL)
    for response in Response.objects.all():
        assert task(response.task).refuse(response.answer) == ""
    columns = point_report(study)["columns"]
    keys = [one.outcome.key for one in installed() if one.name in ALL]
    counted = sum(column[key]["n"] for column in columns for key in keys)
    assert counted == 5 * TRIALS + 5 * ALL["preference"]  # a pair counts in both columns
    assert len({one["map_sha256"] for one in map_rows(study.protocols.get())}) == 96 * 18


def test_the_desk_s_rows_are_made() -> None:
    fill_desk(300, User.objects.create_superuser("ada"))
    assert SaliencyMap.objects.filter(stimulus__study__slug="many-images").count() == 3 * 12
    assert AuditEntry.objects.filter(study__slug="many-images").count() == 15


def test_the_rows_of_the_big_benchmark_are_made_once_and_their_indexes_are_back() -> None:
    def indexes() -> set[str]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT indexname FROM pg_indexes WHERE tablename = ANY(%s)", [list(filling.FILLED)]
            )
            return {name for (name,) in cursor.fetchall()}

    before = indexes()
    for _ in range(2):
        filling.fill(argparse.Namespace(answers=300, jobs=30))
    assert indexes() == before
    assert Response.objects.filter(counts=True).count() == 300
    assert Response.objects.filter(trial__attention_check=True).count() == 10
    assert Exposure.objects.count() == 10 * 24
    assert MapPicture.objects.count() == SaliencyMap.objects.count() == 96 * 18 + 2 * 3 * 12
    assert PrecomputeJob.objects.filter(state="queued").count() == 30
    assert not Trial.objects.filter(saliency_map=None, attention_check=False).exists()
    assert (
        sum(column["faith"]["n"] + column["index"]["n"] for column in point_report(_large())["columns"])
        == 300
    )


def _large() -> Study:
    return Study.objects.get(slug=filling.LARGE)
