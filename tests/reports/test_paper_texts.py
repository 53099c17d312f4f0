"""Methods, results, contrasts and preregistration of the replay: what a paper would say, with the report's own numbers."""

import copy
import csv
import io
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from fixtures import write_replay
from survey_site.protocols.models import Protocol
from survey_site.reports import cached_report, contrasts, paper_texts, paragraphs
from survey_site.reports.analysis import analyse
from survey_site.reports.markdown import latex
from survey_site.reports.point_report import point_report
from survey_site.reports.population import Population
from survey_site.reports.preregistration import preregistration
from survey_site.statistics.published import TABLE_1
from survey_site.studies.models import AuditEntry, Study
from tests import factories

pytestmark = pytest.mark.django_db
OURS = [row.column for row in TABLE_1][1:]


@pytest.fixture
def sealed(db: None) -> tuple[dict[str, Any], Any]:
    """The document and the whole report of the replay."""
    call_command("import_study", str(write_replay.FOLDER), stdout=io.StringIO())
    study = Study.objects.get()
    return Protocol.objects.get().content, analyse(study).report


@pytest.fixture
def own(researcher: Any, media: Path) -> Study:
    """A study of the researcher that was sealed and played."""
    study = factories.live(owner=researcher, origin="collected")
    call_command(
        "simulate", "test", "--participants", "4", "--seed", "1", "--drop-out", "0", stdout=io.StringIO()
    )
    Study.objects.update(state="closed")
    study.refresh_from_db()
    return study


def test_the_results_have_every_comparison_in_apa_style(sealed: tuple[dict[str, Any], Any]) -> None:
    report = sealed[1]
    text = paragraphs.results(report)
    for outcome in report["outcomes"]:
        own = text.split(f"**{outcome['title']}.**")[1].split("\n\n")[0]
        for row in report["comparisons"][outcome["key"]]["rows"]:
            found = re.search(rf"{row['column']} (exceeded|fell below|did not differ).*?\*p\*[^;]*?\d\.", own)
            assert found, row["column"]
            sentence = found[0]
            assert (" percentage points" in sentence) == (outcome["kind"] == "share")
            assert f"*t*({row['df']}) = {row['t']:.2f}" in sentence
            assert paragraphs.apa_p(row["p_holm"]) in sentence
            assert ("did not" in sentence) == (not row["significant"])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0121, " = .012"),
        (0.00001, " < .001"),
        (1.0, " > .999"),
        (0.9994, " = .999"),
        (0.001, " = .001"),
        (None, " n/a"),
    ],
)
def test_p_values_are_printed_as_apa_asks(value: float | None, text: str) -> None:
    assert paragraphs.apa_p(value) == text


def test_the_methods_say_what_the_protocol_sealed(sealed: tuple[dict[str, Any], Any]) -> None:
    document, report = sealed
    text = paragraphs.methods(document, report)
    assert report["protocol_hash"] in text
    assert "Grad-CAMs, Ours 1, Ours 2, Ours 3, Ours 4 and Ours 5" in text
    assert f"The design asked for {document['design']['target_participants']}" in text
    assert "two-way clustered t-tests" in text and "Holm" in text
    # Nothing is said of what the reconstruction does not tell.
    assert "None" not in text and "no practice" not in text and "were shown, maps in" in text


def test_the_preregistration_has_the_templates_headings_and_the_hash(
    sealed: tuple[dict[str, Any], Any],
) -> None:
    document, report = sealed
    text = preregistration(document, report["protocol_hash"])
    assert text.count("### ") == 22 and report["protocol_hash"] in text
    assert "Each of Ours 1, Ours 2, Ours 3, Ours 4 and Ours 5 differs from Grad-CAMs" in text


def test_a_measure_without_answers_is_said_once_and_stands_in_both_tables(
    sealed: tuple[dict[str, Any], Any],
) -> None:
    report = copy.deepcopy(sealed[1])
    why = "not estimable: the reference column 'Grad-CAMs' has no answers"
    report["comparisons"]["faith"] = {"reference": "Grad-CAMs", "rows": [], "reason": why}
    for column in report["columns"]:
        column["faith"]["text"] = None
    text = paragraphs.results(report)
    assert "**Human Faith.** No answers.\n" in text and "no answers" not in text
    (row,) = [
        row for row in csv.DictReader(io.StringIO(contrasts.as_csv(report))) if row["measure"] == "faith"
    ]
    assert (row["reason"], row["value"], row["column"]) == (why, "", "")
    table = contrasts.as_latex(report)
    assert "Human Faith (percentage points)} \\\\\n    \\multicolumn{4}{l}{\\quad no comparison" in table


def test_the_methods_claim_corrected_estimates_only_where_the_report_has_them(
    sealed: tuple[dict[str, Any], Any],
) -> None:
    """The texts of another choice of participants, or of a study that goes on, hold uncorrected estimates."""
    document, report = copy.deepcopy(sealed)
    rule = {"outcome": "index", "looks": [12, 25]}
    document["analysis_plan"] = {**document.get("analysis_plan", {}), "stopping": rule}
    for found, claimed in ((None, False), ({"ended": False}, False), ({"ended": True}, True)):
        report["stopping"] = found
        text = paragraphs.methods(document, report)
        assert "crosses its boundary in Interpretability Index, at looks after 12 and 25" in text
        assert ("median-unbiased" in text) == claimed


def test_a_reconstruction_is_no_registration_of_data_to_come(sealed: tuple[dict[str, Any], Any]) -> None:
    text = paper_texts.texts(*sealed)["preregistration.md"]
    assert "None: the protocol is sealed" not in text and "published before it was made" in text


def test_markdown_becomes_latex() -> None:
    assert latex("## A & b\n**50 %** of *t*_1") == "\\section*{A \\& b}\n\\textbf{50 \\%} of \\emph{t}\\_1\n"


def test_a_report_of_point_estimates_says_what_to_do() -> None:
    call_command("import_study", str(write_replay.FOLDER), stdout=io.StringIO())
    points = point_report(Study.objects.get())
    with pytest.raises(paragraphs.NoComparisons, match="--points-only"):
        paragraphs.results(points)


def test_the_archive_holds_all_texts_and_is_the_same_each_time(sealed: tuple[dict[str, Any], Any]) -> None:
    made = paper_texts.archive(*sealed)
    assert made == paper_texts.archive(*sealed)
    names = zipfile.ZipFile(io.BytesIO(made)).namelist()
    assert names == list(paper_texts.texts(*sealed))


def test_the_page_gives_the_archive_once_the_statistics_are_there(desk: Client, own: Study) -> None:
    address = reverse("paper", args=["test"]) + "?bots=1"
    assert desk.get(address).status_code == 404
    population, protocol = Population(bots=True), Protocol.objects.get()
    report = analyse(own, population).report | {"figures": []}
    cached_report.store_report(cached_report.data_version(protocol, population), report)
    response = desk.get(address)
    texts = zipfile.ZipFile(io.BytesIO(response.content))
    assert "on 4 participants, all of whom were simulated by a program" in texts.read("methods.md").decode()
    assert "simulated" in response["Content-Disposition"]
    assert (
        reverse("paper", args=["test"])
        in desk.get(reverse("report", args=["test"]) + "?bots=1").content.decode()
    )
    assert AuditEntry.objects.filter(study=own, detail="paper.zip").exists()


def test_comparisons_of_a_masked_study_wait_for_the_reference_and_do_not_call_it_empty(own: Study) -> None:
    Study.objects.update(state="live")
    report = analyse(Study.objects.get(), Population(bots=True)).report
    for family in report["comparisons"].values():
        assert family["reason"] is not None and family["reason"].startswith("not shown while masked")


def test_a_masked_study_has_no_paper_yet(desk: Client, own: Study) -> None:
    Study.objects.update(state="live")
    response = desk.get(reverse("paper", args=["test"]) + "?bots=1")
    assert response.status_code == 409 and "columns are masked" in response.content.decode()


def test_the_sealed_plan_can_be_registered_before_any_answer(desk: Client, own: Study) -> None:
    response = desk.get(reverse("preregistration", args=["test"]))
    assert Protocol.objects.get().hash in response.content.decode()
    assert response["Content-Disposition"] == 'attachment; filename="test-preregistration.md"'


@pytest.mark.parametrize("view", ["paper", "preregistration"])
def test_nobody_else_gets_them(view: str, own: Study, client: Client) -> None:
    assert client.get(reverse(view, args=["test"])).status_code in (302, 403, 404)
