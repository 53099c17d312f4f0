"""What is told of looks: whether to go on while a study runs, corrected estimates at its end; folders take them along."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from survey_site.protocols import life, masking
from survey_site.protocols.models import Look, Protocol
from survey_site.reports import paragraphs
from survey_site.reports.analysis import analyse
from survey_site.reports.look_taking import take
from survey_site.reports.population import Population
from survey_site.reports.study_folder import stored_looks
from survey_site.reports.study_folder.read import read_folder
from survey_site.reports.study_folder.write import write_folder
from survey_site.studies.models import Study
from survey_site.trials.deletion import delete_study
from tests.reports.factory import Survey
from tests.reports.ruled import finishes, ruled

pytestmark = pytest.mark.django_db


def test_the_log_and_the_monitor_tell_nothing_but_go_on_or_boundary_reached(
    none: Survey, admin_client: Client
) -> None:
    take(none.study)
    page = admin_client.get(reverse("admin:study_monitor", args=[none.study.pk])).content.decode()
    assert "Go on" in page and "look 2 of 3" in page and "Boundary reached" not in page
    for secret in ("Ours 1", "Grad-CAMs", "p =", "0.0"):
        assert secret not in page.split("Looks of the sealed stopping rule")[1].split("</section>")[0]
    assert "Scores are not shown while the sealed looks decide" in page and "<meter" not in page
    assert Look.objects.count() == 1, "reading takes no look"


def test_the_monitor_says_that_the_boundary_was_reached(big: Survey, admin_client: Client) -> None:
    take(big.study)
    page = admin_client.get(reverse("admin:study_monitor", args=[big.study.pk])).content.decode()
    assert "Boundary reached" in page and "at look 1 of 3" in page and "Ours 1" not in page


def test_the_masked_report_shows_looks_and_no_result(big: Survey) -> None:
    take(big.study)
    report = analyse(Study.objects.get()).report
    found = report["stopping"]
    assert report["masked"] and found is not None
    assert found["rows"] == [] and found["told"] == "" and found["column"] is None
    assert [look["reached"] for look in found["looks"]] == [True]
    assert report["pairs"]["index"]["rows"] == [] and "Ours 1" not in str(report)


def test_the_closed_report_has_the_corrected_estimate_where_the_ordinary_one_would_be(big: Survey) -> None:
    take(big.study)
    finishes(big, 4, apart=0)
    life.step(Study.objects.get(), "close")
    report = analyse(Study.objects.get()).report
    found = report["stopping"]
    assert found is not None and found["ended"] and found["reached"]
    (row,) = found["rows"]
    assert row["look"] == 1 and row["significant"] and row["p"] == row["p_holm"]
    compared = report["comparisons"]["index"]["rows"][0]
    assert (compared["difference"], compared["difference_ci"]) == (row["difference"], row["ci"])
    assert compared["p_holm"] == row["p_holm"]
    assert "rests on the 4 participants of look 1" in found["note"] and "5 count now" in found["note"]
    assert "secondary" in (report["comparisons"]["faith"].get("caution") or "not compared: secondary")
    for whom in (Population(), Population(unfinished=True)):
        pairs = analyse(Study.objects.get(), whom).report["pairs"]["index"]
        assert pairs["rows"] and "no account of the looks" in str(pairs["caution"])
    assert Look.objects.count() == 1, "the study had ended by its boundary: no closing look"


def test_equivalence_says_that_it_takes_no_account_of_the_looks() -> None:
    made = ruled(margins={"index": 1})
    for number in range(4):
        finishes(made, number, apart=4)
    take(made.study)
    masking.open_names(Study.objects.get(), None)
    report = analyse(Study.objects.get()).report
    assert "no account of the looks" in report["equivalence"]["index"]["caution"]
    assert "no account of the looks" in paragraphs.results(report)


def test_a_study_that_stops_at_its_first_look_has_the_ordinary_interval(big: Survey) -> None:
    ordinary = analyse(big.study).report
    take(big.study)
    masking.open_names(Study.objects.get(), None)
    report = analyse(Study.objects.get()).report
    assert ordinary["masked"] and not report["masked"]
    kept = Look.objects.get().found["Ours 1"]
    row = report["stopping"]["rows"][0]  # type: ignore[index]
    assert row["difference"] == pytest.approx(kept["difference"], abs=1e-7)


def test_the_report_command_takes_the_closing_look_and_prints_it(
    none: Survey, capsys: pytest.CaptureFixture[str]
) -> None:
    life.step(none.study, "close")
    call_command("report", "small", "--format", "json")
    told = json.loads(capsys.readouterr().out)["stopping"]
    assert [look["closing"] for look in told["looks"]] == [True] and told["ended"]


def test_a_study_folder_takes_the_looks_along(big: Survey, tmp_path: Path) -> None:
    take(big.study)
    life.step(Study.objects.get(), "close")
    told = analyse(Study.objects.get()).report["stopping"]
    write_folder(Study.objects.get(), tmp_path / "first", media=False)
    head = json.loads((tmp_path / "first" / "study.json").read_text())
    assert [row["number"] for row in head["looks"]] == [1]
    kept = Look.objects.values("found", "reached").get()
    delete_study(Study.objects.get(), None)
    assert not Look.objects.exists()
    again = read_folder(tmp_path / "first")
    assert Look.objects.values("found", "reached").get() == kept
    assert analyse(again).report["stopping"] == told
    write_folder(again, tmp_path / "second", media=False)
    assert (tmp_path / "first" / "study.json").read_bytes() == (
        tmp_path / "second" / "study.json"
    ).read_bytes()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"number": 2}, "no look 2"),
        ({"planned": 5}, "not as its rule plans it"),
        ({"fraction": 2.0}, "not as its rule plans it"),
        ({"found": {"Ours 1": {"difference": "x", "variance": 1, "df": 3}}}, "must be a number"),
        ({"found": {"Ours 1": {}}}, "needs difference"),
        ({"found": {"Ours 1": {"difference": 1, "variance": -1, "df": 3}}}, "not negative"),
    ],
)
def test_a_look_that_cannot_be_is_refused_by_name(big: Survey, change: dict[str, Any], told: str) -> None:
    take(big.study)
    (row,) = stored_looks.written(big.study)["looks"]
    Look.objects.all().delete()
    with pytest.raises(ValueError, match=told):
        stored_looks.read([row | change], {1: Protocol.objects.get()})
