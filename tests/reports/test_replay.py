"""The replay study reproduces the paper's Table 1 to every published digit, however it is asked."""

import csv
import io
import json
import re
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction
from django.test import Client

from fixtures import replay, write_replay
from survey_site.design import canonical
from survey_site.studies.models import Study
from survey_site.trials import frozen_protocol

pytestmark = pytest.mark.django_db

# Table 1 of the paper, as printed.
COLUMNS = ["Grad-CAMs", "Ours 1", "Ours 2", "Ours 3", "Ours 4", "Ours 5"]
FAITH = ["48", "96", "92", "92", "80", "76"]
INDEX = ["1.02", "4.05", "3.63", "3.47", "3.24", "3.30"]
SLUG = "feature-cam-table-1"


@pytest.fixture(scope="module")
def made(django_db_setup: None, django_db_blocker: Any) -> Iterator[Study]:
    """Imported once for all tests of this file, which read it."""
    frozen_protocol.forget()  # what another file's study was sealed as, under the same number
    with django_db_blocker.unblock():
        block = transaction.atomic()
        block._from_testcase = True  # type: ignore[attr-defined]
        with block:
            call_command("import_study", str(write_replay.FOLDER), stdout=io.StringIO())
            yield Study.objects.get(slug=SLUG)
            transaction.set_rollback(True)


@pytest.fixture
def imported(made: Study, db: None) -> Study:
    return Study.objects.get(pk=made.pk)


def command(*options: str) -> str:
    out = io.StringIO()
    call_command("report", SLUG, *options, stdout=out)
    return out.getvalue()


def printed(report: dict[str, Any]) -> tuple[list[str], list[str], list[str]]:
    columns = report["columns"]
    return (
        [c["column"] for c in columns],
        [c["faith"]["text"] for c in columns],
        [c["index"]["text"] for c in columns],
    )


def test_the_command_reproduces_the_paper_in_json(imported: Study) -> None:
    report = json.loads(command("--format", "json"))
    assert printed(report) == (COLUMNS, FAITH, INDEX)
    assert [c["faith"]["n"] for c in report["columns"]] == [25] * 6
    assert [c["index"]["n"] for c in report["columns"]] == [100] * 6
    assert report["origin"] == "reconstruction"


def test_the_command_reproduces_the_paper_in_text_csv_and_latex(imported: Study) -> None:
    text = command("--format", "text")
    assert re.search(r"Human Faith %\s+" + r"\s+".join(FAITH), text)
    assert re.search(r"Interpretability Index\s+" + r"\s+".join(map(re.escape, INDEX)), text)
    rows = list(csv.DictReader(io.StringIO(command("--format", "csv"))))
    whole = [r for r in rows if not r["base"] and not r["method"]]
    assert [r["text"] for r in whole if r["measure"] == "faith"] == FAITH
    assert [r["text"] for r in whole if r["measure"] == "index"] == INDEX
    assert all(r["text"] == r["paper"] for r in whole)
    latex = command("--format", "latex")
    assert r"Human Faith \% & " + " & ".join(FAITH) in latex
    assert "Interpretability Index & " + " & ".join(INDEX) in latex


def test_the_page_reproduces_the_paper_and_says_that_it_is_a_reconstruction(
    imported: Study, admin_client: Client
) -> None:
    page = admin_client.get(f"/reports/{SLUG}/").content.decode()
    for measure, wanted in (("faith", FAITH), ("index", INDEX)):
        (row,) = re.findall(rf'<tr[^>]*data-measure="{measure}".*?</tr>', page, re.DOTALL)
        assert re.findall(r'data-column="[^"]*">([^<]*)</td>', row) == wanted
        (paper,) = re.findall(rf'<tr[^>]*data-paper="{measure}".*?</tr>', page, re.DOTALL)
        assert re.findall(r"<td>([^<]*)</td>", paper) == wanted
    assert "not the authors" in page
    assert "synthetic" in page


def test_a_loop_over_the_csv_reproduces_the_paper(imported: Study, admin_client: Client) -> None:
    data = b"".join(admin_client.get(f"/reports/{SLUG}/responses.csv").streaming_content)  # type: ignore[attr-defined]
    rows = list(csv.DictReader(io.StringIO(data.decode())))
    assert len(rows) == 25 * (6 + 24)
    faith, index = [], []
    for column in COLUMNS:
        own = [r for r in rows if r["column"] == column]
        correct = [int(r["correct"]) for r in own if r["task"] == "matching"]
        ratings = [int(r["rating"]) for r in own if r["task"] == "rating"]
        faith.append(_rounded(Decimal(100 * sum(correct)) / len(correct), "1"))
        index.append(_rounded(Decimal(sum(ratings)) / len(ratings), "0.01"))
    assert (faith, index) == (FAITH, INDEX)


def _rounded(value: Decimal, step: str) -> str:
    return str(value.quantize(Decimal(step), ROUND_HALF_UP))


def test_the_csv_invents_nothing_that_is_not_published(imported: Study, admin_client: Client) -> None:
    data = b"".join(admin_client.get(f"/reports/{SLUG}/responses.csv").streaming_content)  # type: ignore[attr-defined]
    rows = list(csv.DictReader(io.StringIO(data.decode())))
    for name in ("rt_ms", "shown_at", "answered_at", "map_sha256", "classifier"):
        assert {r[name] for r in rows} == {""}
    assert {r["base"] for r in rows if r["column"] != "Grad-CAMs"} == {""}
    assert {r["base"] for r in rows if r["column"] == "Grad-CAMs"} == {
        "gradcam",
        "gradcampp",
        "smoothgradcampp",
    }
    assert {r["seen"] for r in rows} == {"unknown"}
    assert {r["excluded"] for r in rows} == {"0"}


def test_the_csv_holds_what_the_generator_made(imported: Study, admin_client: Client) -> None:
    data = b"".join(admin_client.get(f"/reports/{SLUG}/responses.csv").streaming_content)  # type: ignore[attr-defined]
    rows = list(csv.DictReader(io.StringIO(data.decode())))
    names = (
        "participant",
        "task",
        "column",
        "stimulus",
        "pool",
        "choice",
        "correct",
        "rating",
    )
    for row, made in zip(rows, replay.responses(), strict=True):
        assert {n: row[n] for n in names} == {n: str(made[n]) for n in names}


def test_the_fixture_is_what_its_generator_writes(tmp_path: Path) -> None:
    write_replay.write(tmp_path / "again")
    assert _files(tmp_path / "again") == _files(write_replay.FOLDER)


def test_an_export_of_the_import_is_the_fixture(imported: Study, tmp_path: Path) -> None:
    call_command("export_study", SLUG, "--out", str(tmp_path / "out"), stdout=io.StringIO())
    assert _files(tmp_path / "out") == _files(write_replay.FOLDER)


def _files(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_the_protocol_hash_is_that_of_its_document(imported: Study) -> None:
    protocol = imported.protocols.get()
    assert protocol.hash == canonical.sha256(protocol.document)


@pytest.fixture(autouse=True)
def _no_files_left(tmp_path: Path) -> Iterator[None]:
    before = _files(write_replay.FOLDER)
    yield
    assert _files(write_replay.FOLDER) == before
