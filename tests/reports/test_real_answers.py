"""Answers given through the real pages reach Table 1, the CSV, the statistics and a round trip unchanged."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from survey_site.protocols import masking
from survey_site.reports.exports.csv_stream import responses_csv
from survey_site.reports.point_report import point_report
from survey_site.reports.population import Population
from survey_site.studies.models import Study
from survey_site.trials.models import Participant, Response
from tests import factories
from tests.reports.test_study_folder import erase, files

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
BOTS = Population(bots=True)


@pytest.fixture
def played() -> Study:
    """A sealed study with practice and attention checks, played by bots of whom some leave early."""
    study = factories.live(attention_checks=1, reserve=4)
    masking.open_names(study, None)
    for seed, drop_out in (("1", "0"), ("2", "1")):
        call_command(
            "simulate",
            "test",
            "--participants",
            "3",
            "--seed",
            seed,
            "--drop-out",
            drop_out,
            stdout=io.StringIO(),
        )
    return study


def rows(study: Study) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(b"".join(responses_csv(study, BOTS)).decode(), newline="")))


def test_table_1_is_what_the_csv_gives_by_the_rule_of_its_readme(played: Study) -> None:
    counted = [
        row for row in rows(played)
        if row["excluded"] == "0" and row["attention_check"] == "0" and row["block"] != "practice" and row["seen"] != "no"
    ]  # fmt: skip
    for column in point_report(played, BOTS)["columns"]:
        own = [row for row in counted if row["column"] == column["column"]]
        correct = [int(row["correct"]) for row in own if row["task"] == "matching" and row["correct"]]
        ratings = [int(row["rating"]) for row in own if row["rating"]]
        assert (column["faith"]["correct"], column["faith"]["n"]) == (sum(correct), len(correct))
        assert (column["index"]["sum"], column["index"]["n"]) == (sum(ratings), len(ratings))
        assert correct
        assert ratings


def test_every_answer_has_its_row_and_who_left_is_marked(played: Study) -> None:
    found = rows(played)
    assert len(found) == Response.objects.count()
    left = set(Participant.objects.exclude(state="finished").values_list("code", flat=True))
    assert {row["participant"] for row in found if row["exclusion_reason"] == "unfinished"} <= left
    assert {row["block"] for row in found} == {"practice", "matching", "rating"}
    assert "1" in {row["attention_check"] for row in found}
    for row in found:
        if row["task"] == "matching":
            shown = row["pool"].split("|")
            assert shown[int(row["pool_position"])] == row["stimulus"]
            assert row["choice"] in (*shown, "cant_tell", "")
            if row["choice"]:
                assert row["correct"] == str(int(row["choice"] == row["stimulus"]))


def test_bots_are_in_no_report_unless_asked(played: Study) -> None:
    assert all(column["index"]["n"] == 0 for column in point_report(played)["columns"])


def test_the_command_adds_the_statistics(played: Study) -> None:
    out = io.StringIO()
    call_command("report", "test", "--format", "json", "--include-bots", stdout=out)
    report: dict[str, Any] = json.loads(out.getvalue())
    assert report["flow"]["analysed"] == 3
    assert {"comparisons", "agreement", "multiverse", "quality", "versions"} <= set(report)


def test_a_played_study_survives_the_round_trip(played: Study, tmp_path: Path) -> None:
    before = rows(played)
    for name in ("first", "second"):
        call_command("export_study", "test", "--out", str(tmp_path / name), stdout=io.StringIO())
        if name == "first":
            erase(played)
            call_command("import_study", str(tmp_path / name), stdout=io.StringIO())
    assert files(tmp_path / "first") == files(tmp_path / "second")
    assert rows(Study.objects.get()) == before
