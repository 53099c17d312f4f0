"""wide.csv of a study that collects: its header, its rows and what they hold are of one moment."""

import csv
import gc

import pytest
from django.db import connection

from survey_site.reports.exports import csv_stream
from survey_site.reports.exports.tables import TABLES
from survey_site.reports.population import Population
from tests.reports.factory import Survey, survey
from tests.reports.meanwhile import meanwhile

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def own() -> Survey:
    mine = survey("mine")
    for rating in (1, 2, 3):
        mine.rating(mine.participant(), 0, rating)
    return mine


def test_a_session_that_grows_meanwhile_is_as_long_as_the_header_says(own: Survey) -> None:
    chunks = TABLES["wide"].stream(own.study, Population())
    lines = [next(chunks).decode()]
    meanwhile(lambda: own.rating(own.study.participants.get(code="p02"), 0, 6))
    meanwhile(lambda: own.rating(own.participant(), 0, 6))
    lines += [chunk.decode() for chunk in chunks]
    header, *rows = csv.reader("".join(lines).splitlines())
    assert [len(row) for row in rows] == [len(header)] * 3
    assert not connection.in_atomic_block


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no cursors on the server")
def test_rows_are_fetched_as_they_are_asked_for(own: Survey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_stream, "CHUNK_BYTES", 1)
    chunks = TABLES["wide"].stream(own.study, Population())
    next(chunks)
    next(chunks)
    with connection.cursor() as cursor:
        cursor.execute("SELECT is_holdable FROM pg_cursors WHERE name LIKE '_django%'")
        assert cursor.fetchall() == [(False,), (False,)]
    chunks.close()  # type: ignore[attr-defined]
    assert not connection.in_atomic_block


def test_who_stops_in_the_middle_leaves_nothing_open(own: Survey) -> None:
    chunks = TABLES["wide"].stream(own.study, Population())
    next(chunks)
    chunks.close()  # type: ignore[attr-defined]
    gc.collect()
    own.rating(own.participant(), 0, 6)
    assert b"".join(TABLES["wide"].stream(own.study, Population())).count(b"\n") == 5
