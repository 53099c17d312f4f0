"""The benchmark's study still fits the tables, and the page and the database agree on it."""

import pytest
from django.db import connection

from benchmarks.report_data import TRIALS, fill
from survey_site.reports.exports.csv_stream import StreamTally, checksum, responses_csv
from survey_site.reports.point_report import point_report
from survey_site.reports.population import Population


@pytest.mark.django_db(transaction=True)
def test_the_made_study_is_counted_whole() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("the benchmark's rows are made by PostgreSQL's own functions")
    study = fill(5 * TRIALS)
    columns = point_report(study)["columns"]
    assert sum(column["faith"]["n"] + column["index"]["n"] for column in columns) == 5 * TRIALS
    tally = StreamTally()
    checksum(responses_csv(study, Population(), tally), tally)
    assert tally.rows == 5 * TRIALS
