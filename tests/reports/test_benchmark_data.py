"""The benchmarks' rows still fit the tables, and the page and the database agree on them."""

import pytest
from django.contrib.auth.models import User
from django.db import connection

from benchmarks.desk_data import fill_desk
from benchmarks.report_data import TRIALS, fill
from survey_site.reports.exports.csv_stream import StreamTally, checksum, responses_csv
from survey_site.reports.point_report import point_report
from survey_site.reports.population import Population
from survey_site.stimuli.models import SaliencyMap
from survey_site.studies.models import AuditEntry

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


def test_the_desk_s_rows_are_made() -> None:
    fill_desk(300, User.objects.create_superuser("ada"))
    assert SaliencyMap.objects.count() == 3 * 12
    assert AuditEntry.objects.filter(study__slug="many-images").count() == 15
