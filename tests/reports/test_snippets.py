"""The scripts for readers of a paper: Table 1 from responses.csv, in Python and in R, without this software."""

import csv
import io
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fixtures import replay
from survey_site.reports.exports.psych_ds import SCRIPTS
from survey_site.statistics.plan import AnalysisPlan
from survey_site.statistics.point import half_up
from survey_site.statistics.published import TABLE_1
from tests.statistics.two_tasks import build

R = shutil.which("Rscript")
LANGUAGES = [
    pytest.param([sys.executable, str(SCRIPTS / "table1.py")], id="python"),
    pytest.param(
        [str(R), str(SCRIPTS / "table1.R")],
        id="R",
        marks=pytest.mark.skipif(R is None, reason="Rscript is not installed on this machine"),
    ),
]


def write(rows: list[dict], path: Path) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(replay.responses()[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def run(command: list[str], path: Path) -> list[dict[str, str]]:
    done = subprocess.run([*command, str(path)], capture_output=True, text=True, check=True, timeout=120)
    return list(csv.DictReader(io.StringIO(done.stdout)))


def expected(rows: list[dict]) -> list[tuple[str, ...]]:
    def texts(outcome: dict, places: int) -> tuple[str, ...]:
        low, high = outcome["ci"] or (None, None)
        ends = [("n/a" if v is None else str(half_up(round(v, 9), places))) for v in (low, high)]
        return outcome["text"] or "n/a", *ends, str(outcome["n"])

    report = build(rows, AnalysisPlan(columns=replay.COLUMNS, resamples=99, model_rows_max=0))
    return [(c["column"], *texts(c["faith"], 1), *texts(c["index"], 2)) for c in report["columns"]]


@pytest.mark.parametrize("command", LANGUAGES)
def test_the_script_prints_the_papers_table_with_the_reports_intervals(
    command: list[str], tmp_path: Path
) -> None:
    rows = replay.responses()
    printed = run(command, write(rows, tmp_path / "responses.csv"))
    values = sorted((row["column"], row["faith"], row["index"]) for row in printed)
    assert values == sorted(tuple(column) for column in TABLE_1)
    assert sorted(tuple(row.values()) for row in printed) == sorted(expected(rows))


@pytest.mark.parametrize("command", LANGUAGES)
def test_the_script_leaves_out_what_the_report_leaves_out(command: list[str], tmp_path: Path) -> None:
    rows = [dict(r) for r in replay.responses()]
    rows[0] |= {"excluded": 1, "exclusion_reason": "unfinished"}
    rows[7] |= {"seen": "no"}
    rows[8] |= {"rating": "", "correct": ""}
    rows[1] |= {"choice": "cant_tell", "choice_class": "", "correct": 0, "class_correct": 0}
    extra = [rows[9] | {"attention_check": 1, "rating": 6}, rows[2] | {"block": "practice", "correct": 0}]
    printed = run(command, write(rows + extra, tmp_path / "responses.csv"))
    assert sorted(tuple(row.values()) for row in printed) == sorted(expected(rows + extra))


@pytest.mark.parametrize("command", LANGUAGES)
def test_all_right_and_equal_ratings_are_printed_honestly(command: list[str], tmp_path: Path) -> None:
    rows = [r | {"correct": 1} if r["task"] == "matching" else r | {"rating": 4} for r in replay.responses()]
    printed = run(command, write(rows, tmp_path / "responses.csv"))
    assert {(r["faith"], r["faith_high"], r["index"], r["index_low"]) for r in printed} == {
        ("100", "100.0", "4.00", "n/a")
    }


@pytest.mark.parametrize("command", LANGUAGES)
def test_no_number_is_a_negative_zero(command: list[str], tmp_path: Path) -> None:
    rows = [r | {"correct": 0} if r["task"] == "matching" else r | {"rating": 0} for r in replay.responses()]
    printed = run(command, write(rows, tmp_path / "responses.csv"))
    assert {r["faith_low"] for r in printed} == {"0.0"}
    assert not [cell for r in printed for cell in r.values() if cell.startswith("-0")]
