"""Files for Excel, SPSS and Stata are made by the worker when asked for, offered while they hold, and then deleted."""

import io
import os
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.test import Client

from survey_site.reports import prepared_files, tasks
from survey_site.reports.exports import fitting
from survey_site.reports.exports.psych_ds import write_zip
from survey_site.reports.population import Population
from survey_site.studies.models import AuditEntry, Study
from survey_site.trials.models import Participant, Trial
from survey_site.trials.withdrawal import withdraw
from tests.reports.factory import NOON, Survey, survey

pytest.importorskip("pyreadstat", reason="needs the extra 'reports'")
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
PAGE = "/reports/mine/files/"


@pytest.fixture
def own(researcher: Any) -> Survey:
    mine = survey("mine", owner=researcher)
    mine.rating(mine.participant(), 0, 3)
    return mine


def stored(own: Survey) -> list[str]:
    folder = prepared_files.path_of(own.study, Population(), "xlsx", "").rpartition("/")[0]
    return default_storage.listdir(folder)[1] if default_storage.exists(folder) else []


def text(client: Client, query: str = "") -> str:
    return client.get(PAGE + query).content.decode()


def test_a_file_is_asked_for_once_made_and_offered(desk: Client, own: Survey, sent: list[list[Any]]) -> None:
    assert "Make Excel workbook" in text(desk) and "data.xlsx" not in text(desk)
    for _ in range(2):
        assert desk.post(PAGE, {"format": "xlsx"}).status_code == 302
    assert sent == [["reports.data_file", own.study.pk, "", "xlsx"]]
    assert "Make Excel workbook" not in text(desk)
    tasks.data_file(*sent[0][1:])
    assert 'href="/reports/mine/data.xlsx"' in text(desk)
    given = desk.get("/reports/mine/data.xlsx")
    assert given["Content-Disposition"] == 'attachment; filename="mine-data.xlsx"'
    with zipfile.ZipFile(io.BytesIO(given.getvalue())) as book:  # type: ignore[attr-defined]
        assert "xl/workbook.xml" in book.namelist()
    assert AuditEntry.objects.filter(study=own.study, verb="exported", detail="data.xlsx").count() == 1


@pytest.mark.parametrize(("kind", "name"), [("spss", "spss.zip"), ("stata", "stata.zip")])
def test_the_name_says_that_people_are_simulated(desk: Client, own: Survey, kind: str, name: str) -> None:
    own.rating(own.participant(kind="bot"), 0, 5)
    tasks.data_file(own.study.pk, "bots=1", kind)
    given = desk.get(f"/reports/mine/{name}?bots=1")
    assert given["Content-Disposition"] == f'attachment; filename="mine-simulated-{name}"'
    with zipfile.ZipFile(io.BytesIO(given.getvalue())) as archive:  # type: ignore[attr-defined]
        assert "1 of the participants were simulated" in archive.read("codebook.html").decode()
    assert desk.get(f"/reports/mine/{name}").status_code == 404


def test_what_has_changed_is_offered_no_more_and_the_old_file_goes(desk: Client, own: Survey) -> None:
    who = own.participant()
    own.rating(who, 0, 6)
    tasks.data_file(own.study.pk, "", "xlsx")
    assert prepared_files.sweep() == 0 and len(stored(own)) == 1
    withdraw(Participant.objects.get(pk=who.pk).receipt)
    assert desk.get("/reports/mine/data.xlsx").status_code == 404
    assert "Make Excel workbook" in text(desk)
    assert prepared_files.sweep() == 1 and stored(own) == []


def test_a_file_lies_for_a_day_at_most(own: Survey) -> None:
    tasks.data_file(own.study.pk, "", "xlsx")
    (name,) = stored(own)
    folder = prepared_files.path_of(own.study, Population(), "xlsx", "").rpartition("/")[0]
    path = Path(default_storage.path(f"{folder}/{name}"))
    long_ago = time.time() - prepared_files.KEPT.total_seconds() - 60
    os.utime(path, (long_ago, long_ago))
    assert prepared_files.sweep() == 1 and not path.exists()


def test_the_fingerprint_reads_no_person_for_themselves(own: Survey) -> None:
    before = len(list(prepared_files._facts(own.study, Population())))
    for _ in range(5):
        own.rating(own.participant(), 0, 2)
    assert len(list(prepared_files._facts(own.study, Population()))) == before


@pytest.mark.parametrize(
    "change",
    [
        lambda own: own.rating(own.participant(state="consented"), 0, 1),
        lambda own: Participant.objects.update(excluded=True, exclusion_reason="a"),
        lambda own: own.study.stimuli.update(licence="CC0"),
        lambda own: own.study.conditions.update(column="Other"),
        lambda own: Participant.objects.update(demographics={"age": 3}),
        lambda own: Participant.objects.update(chain_length=9),
        lambda own: own.rating(Participant.objects.get(state="consented"), 0, 1),
        lambda own: Trial.objects.filter(participant__state="consented").update(issued_at=NOON),
    ],
)
def test_the_fingerprint_sees_every_change_of_the_tables(own: Survey, change: Any) -> None:
    late = own.rating(own.participant(state="consented"), 0, 1)
    Trial.objects.filter(pk=late.trial_id).update(issued_at=None)
    before = prepared_files.fingerprint(own.study, Population())
    assert before == prepared_files.fingerprint(own.study, Population())
    change(own)
    assert before != prepared_files.fingerprint(own.study, Population())


def test_what_does_not_fit_is_said_on_the_page(
    desk: Client, own: Survey, sent: list[list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "SHEET_ROWS", 1)
    desk.post(PAGE, {"format": "xlsx"})
    tasks.data_file(*sent[0][1:])
    assert "responses has 1 rows; a sheet of Excel holds 0" in text(desk) and "Make Excel workbook" in text(
        desk
    )
    assert stored(own) == []


def test_the_data_set_of_a_large_study_is_made_first(
    desk: Client, own: Survey, sent: list[list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert desk.get("/reports/mine/psych-ds.zip").status_code == 200
    monkeypatch.setattr(prepared_files, "AT_ONCE", 0)
    assert (
        desk.get("/reports/mine/psych-ds.zip").status_code == 200
    )  # it collects: what is made first is never of now
    Study.objects.update(state=Study.State.CLOSED)
    asked = desk.get("/reports/mine/psych-ds.zip?bots=1", follow=True)
    assert asked.redirect_chain == [(f"{PAGE}?bots=1", 302)]
    assert "is made first" in asked.content.decode() and "Make Psych-DS data set" in asked.content.decode()
    desk.post(PAGE, {"format": "psych-ds"})
    tasks.data_file(*sent[0][1:])
    assert 'href="/reports/mine/psych-ds.zip"' in text(desk)
    given = desk.get("/reports/mine/psych-ds.zip")
    assert given["Content-Disposition"] == 'attachment; filename="mine-psych-ds.zip"'
    with write_zip(own.study, Population()) as at_once:
        assert given.getvalue() == at_once.read()  # type: ignore[attr-defined]


def test_only_who_may_export_gets_there(desk: Client, client: Client, own: Survey) -> None:
    survey("theirs")
    for name in ("files/", "data.xlsx", "spss.zip", "stata.zip"):
        assert desk.get(f"/reports/theirs/{name}").status_code == 404
        assert client.get(f"/reports/mine/{name}").status_code == 302
    assert desk.post(PAGE, {"format": "exe"}).status_code == 404
