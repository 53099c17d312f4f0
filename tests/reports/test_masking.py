"""While a study is live nobody sees results under the columns' names: page, files, API, command and monitor alike."""

import csv
import io
import json
import zipfile
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from survey_site.protocols import masking
from survey_site.reports.analysis import analyse
from survey_site.reports.exports.tables import TABLES
from survey_site.reports.monitor import snapshot
from survey_site.reports.supplement import supplement
from survey_site.studies.models import AuditEntry, Study
from tests.reports.factory import Survey, survey

pytestmark = pytest.mark.django_db
NAMES = ("Grad-CAMs", "Ours 1", "Edges", "add-edges", "gradcam", "MobileNetV2")
COLUMNS = (("Grad-CAMs", "gradcam", ""), ("Ours 1", "gradcam", "add-edges"), ("Edges", "", "edges"))


@pytest.fixture
def live() -> Survey:
    """Three columns, which six people answered with other scores in each."""
    made = survey("small", COLUMNS, masked=True, tasks={"matching": {}, "rating": {}})
    conditions = [
        {"column": c.column, "column_order": c.column_order, "classifier": c.classifier, "base": c.base,
         "method": c.method, "is_reference": c.is_reference}
        for c in made.conditions
    ]  # fmt: skip
    document = made.protocol.document | {"conditions": conditions}
    type(made.protocol).objects.filter(pk=made.protocol.pk).update(document=document)
    for number in range(6):
        who = made.participant()
        for column in range(3):
            made.matching(who, column, 0 if number > column else 2)
            made.rating(who, column, 2 * column + number % 2)
    return made


def state(study: Study, name: str) -> None:
    Study.objects.filter(pk=study.pk).update(state=name)


def shown(report: Any) -> dict[str, float]:
    return {column["column"]: column["index"]["mean"] for column in report["columns"]}


@pytest.mark.parametrize(
    "name,hidden", [("draft", False), ("pilot", False), ("live", True), ("paused", True), ("closed", False)]
)
def test_the_state_says_whether_names_are_hidden(live: Survey, name: str, hidden: bool) -> None:
    state(live.study, name)
    assert masking.is_masked(Study.objects.get()) is hidden


def page(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, address
    if response.streaming:
        return b"".join(response.streaming_content).decode()  # type: ignore[arg-type]
    return response.content.decode()


ADDRESSES = (
    "/reports/small/", "/reports/small/table1.json", "/reports/small/table1.csv", "/reports/small/table1.tex",
    "/reports/small/responses.csv", "/reports/small/trials.csv", "/reports/small/participants.csv",
    "/reports/small/wide.csv",
    "/api/v1/studies/small/report/", "/api/v1/studies/small/responses/",
)  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_page_file_or_answer_of_the_api_names_a_column(
    live: Survey, admin_client: Client, address: str
) -> None:
    told = page(admin_client, address)
    assert [name for name in NAMES if name in told] == []
    state(live.study, "closed")
    if "participants" not in address:
        assert "Ours 1" in page(admin_client, address)


def test_the_wide_table_has_its_means_under_letters_in_their_order(
    live: Survey, admin_client: Client
) -> None:
    rows = list(csv.DictReader(io.StringIO(page(admin_client, "/reports/small/wide.csv"))))
    means = [name for name in rows[0] if name.startswith("mean_")]
    assert means == [f"mean_{task}_{letter}" for task in ("matching", "rating") for letter in "abc"]
    report = json.loads(page(admin_client, "/reports/small/table1.json"))
    for letter, mean in shown(report).items():
        assert sum(float(row[f"mean_rating_{letter.lower()}"]) for row in rows) / len(rows) == mean


def test_a_paused_pilot_is_a_pilot(live: Survey) -> None:
    state(live.study, "paused")
    assert masking.is_masked(Study.objects.get())
    live.study.protocols.create(version=2, pilot=True, hash="cd" * 32, document=live.protocol.document)
    assert not masking.is_masked(Study.objects.get())


def test_the_psych_ds_set_is_masked_but_for_the_list_of_maps(live: Survey, admin_client: Client) -> None:
    archive = zipfile.ZipFile(io.BytesIO(b"".join(admin_client.get("/reports/small/psych-ds.zip"))))
    for name in archive.namelist():
        if name.endswith(".csv") and "maps" not in name:
            assert [n for n in NAMES if n in archive.read(name).decode()] == [], name


def test_letters_are_the_same_in_report_files_and_monitor(live: Survey, admin_client: Client) -> None:
    report = json.loads(page(admin_client, "/reports/small/table1.json"))
    assert report["masked"] is True
    assert sorted(shown(report)) == ["A", "B", "C"]
    rows = list(csv.DictReader(io.StringIO(page(admin_client, "/reports/small/responses.csv"))))
    by_csv: dict[str, list[float]] = {}
    for row in rows:
        if row["task"] == "rating":
            by_csv.setdefault(row["column"], []).append(float(row["rating"]))
    assert {name: sum(v) / len(v) for name, v in by_csv.items()} == shown(report)
    sent = admin_client.get("/api/v1/studies/small/responses/?task=rating").json()["results"]
    assert sorted({row["column"] for row in sent}) == ["A", "B", "C"]
    levels = {row.name: dict(row.scores[0]) for row in snapshot(live.study).rows}
    means = {
        name: sum(k * n for k, n in found.items()) / sum(found.values()) for name, found in levels.items()
    }
    assert means == shown(report)


def test_nothing_but_the_names_is_hidden_in_the_exports(live: Survey, admin_client: Client) -> None:
    hidden = list(csv.DictReader(io.StringIO(page(admin_client, "/reports/small/responses.csv"))))
    state(live.study, "closed")
    open_ = list(csv.DictReader(io.StringIO(page(admin_client, "/reports/small/responses.csv"))))
    masked = ("column", "classifier", "base", "method", "map_sha256")
    assert [{k: v for k, v in row.items() if k not in masked} for row in hidden] == [
        {k: v for k, v in row.items() if k not in masked} for row in open_
    ]
    assert {row[name] for row in hidden for name in masked[1:]} == {""}
    assert list(hidden[0]) == list(open_[0])


def test_the_whole_report_and_its_pdf_tell_no_name_and_no_reference(live: Survey) -> None:
    found = analyse(live.study)
    told = json.dumps(found.report | {"machine": []})
    assert [name for name in NAMES if name in told] == []
    assert not any(column["reference"] for column in found.report["columns"])
    assert all(family["rows"] == [] for family in found.report["comparisons"].values())
    assert found.report["human_machine"] is None
    assert supplement(found.report, found.trials, found.figures).startswith(b"%PDF")
    masked = shown(found.report)
    masking.open_names(live.study, None)
    opened = analyse(live.study).report
    assert sorted(masked.values()) == sorted(shown(opened).values())
    assert set(shown(opened)) == {"Grad-CAMs", "Ours 1", "Edges"}


def test_asking_the_api_for_a_column_by_name_does_not_open_it(live: Survey, admin_client: Client) -> None:
    assert admin_client.get("/api/v1/studies/small/responses/?column=Ours 1").json()["results"] == []
    rows = admin_client.get("/api/v1/studies/small/responses/?column=B").json()["results"]
    assert {row["column"] for row in rows} == {"B"}


def test_the_command_is_masked_until_it_is_asked_to_open_the_names(
    live: Survey, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("report", "small", points_only=True)
    told = capsys.readouterr().out
    assert "Masked: columns are letters" in told
    assert [name for name in NAMES if name in told] == []
    call_command("report", "small", points_only=True, open_names=True)
    assert "Ours 1" in capsys.readouterr().out
    entry = AuditEntry.objects.get(verb=masking.OPENED)
    assert (entry.user, entry.detail) == (None, "manage.py report --open-names")


def test_opening_is_one_decision_for_all_asked_for_on_the_page_and_logged(
    live: Survey, admin_client: Client
) -> None:
    assert "Open the names" in page(admin_client, "/reports/small/")
    assert not AuditEntry.objects.filter(verb=masking.SHOWN).exists()
    assert admin_client.post("/reports/small/open-names/").status_code == 302
    entry = AuditEntry.objects.get(verb=masking.OPENED)
    assert (str(entry.user), entry.detail) == ("admin", "report")
    told = page(admin_client, "/reports/small/")
    assert "Ours 1" in told
    assert "Open the names" not in told
    assert not snapshot(live.study).masked


def test_another_measurement_is_masked_anew(live: Survey) -> None:
    masking.open_names(live.study, None)
    assert not masking.is_masked(live.study)
    opened = AuditEntry.objects.get()
    type(live.protocol).objects.create(
        study=live.study, version=2, hash="cd" * 32, document=live.protocol.document | {"reserve": ["x"]},
        sealed_at=opened.at.replace(year=opened.at.year + 1),
    )  # fmt: skip
    assert masking.is_masked(live.study)


def test_results_seen_while_the_study_is_closed_are_noted(live: Survey, admin_client: Client) -> None:
    page(admin_client, "/reports/small/")
    assert not masking.names_known(live.study)
    state(live.study, "closed")
    page(admin_client, "/reports/small/")
    page(admin_client, "/reports/small/table1.csv")
    assert masking.names_known(Study.objects.get())
    assert AuditEntry.objects.filter(verb=masking.SHOWN).count() == 1


def test_reconstructions_show_their_names(live: Survey) -> None:
    Study.objects.update(state="closed", origin="reconstruction")
    study = Study.objects.get()
    masking.note_shown(study, None)
    assert not masking.is_masked(study)
    assert not AuditEntry.objects.exists()


def test_letters_go_on_after_z() -> None:
    assert [masking.letter(n) for n in (0, 25, 26, 51, 52, 701, 702)] == [
        "A",
        "Z",
        "AA",
        "AZ",
        "BA",
        "ZZ",
        "AAA",
    ]


def test_only_columns_that_are_named_here_can_tell_a_column() -> None:
    """A new export column fails here until somebody has asked whether it tells by which method a map was made."""
    known = {
        "responses": {"column", "classifier", "base", "method", "map_sha256"},
        "trials": {"column", "classifier", "base", "method"},
    }
    for name in known:
        sources = {column.name: repr(column.source) for column in TABLES[name].columns(None)}
        told = {column for column, source in sources.items() if "condition" in source or "saliency" in source}
        assert told == known[name]
