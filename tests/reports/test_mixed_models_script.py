"""The script for readers of a paper that fits the report's mixed models in R, by lme4 and ordinal."""

import csv
import io
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse
from scipy import special

from survey_site.reports.analysis import analyse
from survey_site.reports.exports.psych_ds import SCRIPTS
from survey_site.statistics.plan import AnalysisPlan, QualityRules
from tests.reports.factory import survey
from tests.statistics.two_tasks import build

R = shutil.which("Rscript")
SCRIPT = str(SCRIPTS / "mixed_models.R")
PLAN = AnalysisPlan(  # without rules of exclusion, as the page's headline
    columns=("Grad-CAMs", "=Ours, 1", "Größe 2", "Edges"), reference="Grad-CAMs", controls=("Edges",), resamples=99,
    rules=QualityRules.off(),
)  # fmt: skip
PEOPLE, IMAGES = 18, 16
Rows = list[dict[str, Any]]


def has(package: str) -> bool:
    found = f"quit(status = !requireNamespace('{package}', quietly = TRUE))"
    return bool(R) and subprocess.run([str(R), "-e", found], check=False, timeout=120).returncode == 0


pytestmark = pytest.mark.skipif(
    not (has("lme4") and has("ordinal")),
    reason="Rscript with lme4 and ordinal is not installed on this machine",
)


def answers(people_differ: float = 0.8) -> Rows:
    """Every person answers both tasks to every image, the columns in turn; and rows that do not count.

    Where people do not differ, chance is shared out evenly too, so that they differ less than by chance.
    """
    rng = np.random.default_rng(11)
    by_person, by_image = people_differ * rng.normal(size=PEOPLE), 0.6 * rng.normal(size=IMAGES)
    rows: Rows = []
    even = (np.arange(IMAGES) + 0.5) / IMAGES
    for p in range(PEOPLE):
        luck = rng.permutation(even) if not people_differ else rng.random(IMAGES)
        for i in range(IMAGES):
            k = (p + i) % 4
            eta = 0.7 * k + by_person[p] + by_image[i]
            row = {
                "participant": f"P{p:02d}", "stimulus": f"image-{i:02d}", "column": PLAN.columns[k],
                "position": i, "seen": "yes", "attention_check": 0, "excluded": 0, "rt_ms": 2000,
            }  # fmt: skip
            score = int(np.clip(np.round(2 + eta + special.logit(luck[i])), 0, 6))
            right = int(luck[i] < special.expit(eta - 0.8))
            rows.append(row | {"task": "rating", "block": "rating", "rating": score})
            # The order in which the pool was shown is not the cluster: the set of images is.
            pool = [f"image-{i:02d}", f"other-{i:02d}"][:: 1 if p % 2 else -1]
            chosen = {"pool": "|".join(pool), "choice": pool[0], "correct": right, "class_correct": right}
            rows.append(row | {"task": "matching", "block": "matching"} | chosen)
    first = rows[0]
    return [
        *rows,
        first | {"seen": "no", "rating": 6},
        first | {"block": "practice", "rating": 6},
        first | {"attention_check": 1, "rating": 6},
        *(row | {"participant": "bot", "excluded": 1, "exclusion_reason": "bot"} for row in rows[:20]),
        first | {"rating": "", "stimulus": "image-never-answered"},
    ]


def write(rows: Rows, path: Path) -> Path:
    """As the export writes it: a name that a spreadsheet would take for a formula begins with an apostrophe."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=names)
        writer.writeheader()
        writer.writerows(row | {"column": row["column"].replace("=", "'=")} for row in rows)
    return path


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [str(R), SCRIPT, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=False, timeout=300)


def fitted(rows: Rows, tmp_path: Path, *options: str) -> list[dict[str, str]]:
    done = run(write(rows, tmp_path / "responses.csv"), "Grad-CAMs", "Edges", *options)
    assert done.returncode == 0, done.stderr
    return list(csv.DictReader(io.StringIO(done.stdout)))


def compare(printed: list[dict[str, str]], report: dict[str, Any]) -> None:
    """Each number of the report's models to 1e-3: log odds ratios and their bounds, p, deviations, log likelihood."""
    for task, key in (("matching", "faith"), ("rating", "index")):
        model = report["crossed_models"][key]
        mine = {r["column"]: r for r in printed if r["task"] == task and r["adjusted"] == "none"}
        assert set(mine) == {row["column"] for row in model["rows"]} == set(PLAN.columns[1:3])
        for row in model["rows"]:
            told = mine[row["column"]]
            numbers = [float(told[name]) for name in ("odds_ratio", "ci_low", "ci_high")]
            assert np.log(numbers) == pytest.approx(np.log([row["odds_ratio"], *row["ci"]]), abs=1e-3)
            assert float(told["p"]) == pytest.approx(row["p"], abs=1e-3)
            for name in ("participant_sd", "item_sd", "log_likelihood"):
                assert float(told[name]) == pytest.approx(model[name], abs=1e-3)


def test_r_finds_the_numbers_of_the_report(tmp_path: Path) -> None:
    rows = answers()
    printed = fitted(rows, tmp_path)
    compare(printed, build(rows, PLAN))
    assert {(r["task"], r["model"], r["answers"]) for r in printed if r["adjusted"] == "none"} == {
        ("matching", "glmer", str(PEOPLE * IMAGES * 3 // 4)),
        ("rating", "clmm", str(PEOPLE * IMAGES * 3 // 4)),
    }
    pairs = [r for r in printed if r["adjusted"] == "tukey"]
    assert len(pairs) == (6 if has("emmeans") else 0)
    by_reference = {(r["task"], r["column"]): r for r in printed if r["adjusted"] == "none"}
    for pair in (r for r in pairs if r["against"] == "Grad-CAMs"):
        alone = by_reference[pair["task"], pair["column"]]
        assert float(pair["odds_ratio"]) == pytest.approx(float(alone["odds_ratio"]))
        assert float(pair["p"]) >= float(alone["p"])


@pytest.mark.django_db
def test_it_reads_the_sites_own_export(desk: Client, researcher: Any, tmp_path: Path) -> None:
    own, rng = survey("mine", owner=researcher), np.random.default_rng(1)
    for person in range(12):
        who = own.participant()
        for place, stimulus in enumerate(own.stimuli):
            column = (person + place) % 2
            own.rating(who, column, int(rng.integers(5)) + column, stimulus=stimulus)
    (tmp_path / "responses.csv").write_bytes(
        b"".join(desk.get(reverse("responses_csv", args=["mine"])).streaming_content)  # type: ignore[attr-defined]
    )
    done = run(tmp_path / "responses.csv", "Grad-CAMs")
    told = next(csv.DictReader(io.StringIO(done.stdout)))
    found = analyse(own.study).report["crossed_models"]["index"]
    (row,) = found["rows"]
    assert (told["column"], told["answers"]) == ("Ours 1", "96")
    assert float(told["odds_ratio"]) == pytest.approx(row["odds_ratio"], rel=1e-3)
    assert float(told["item_sd"]) == pytest.approx(found["item_sd"], abs=1e-3)


def test_people_who_do_not_differ_are_no_trouble(tmp_path: Path) -> None:
    """ordinal finds no errors where a deviation is zero; the script fits the same model without that factor."""
    rows = answers(people_differ=0)
    report = build(rows, PLAN)
    assert report["crossed_models"]["index"]["participant_sd"] == 0
    compare(fitted(rows, tmp_path), report)


def test_answers_of_unknown_seeing_are_left_out_where_the_study_does_not_count_them(tmp_path: Path) -> None:
    rows = [row | {"seen": "unknown"} if k % 7 == 0 else row for k, row in enumerate(answers())]
    compare(fitted(rows, tmp_path, "--only-seen"), build(rows, replace(PLAN, seen_unknown_counts=False)))


def test_what_cannot_be_fitted_says_why_like_the_report(tmp_path: Path) -> None:
    rows = [
        row | {"rating": 6 if row["column"] == "Größe 2" else row["rating"], "pool": ""}
        for row in answers()
        if row["task"] == "rating"
    ]
    (told,) = fitted(rows, tmp_path)
    assert told["reason"] == build(rows, PLAN)["crossed_models"]["index"]["reason"]
    assert told["reason"].startswith("not estimable: a column has one and the same answer")


def test_a_wrong_call_is_refused_in_one_line(tmp_path: Path) -> None:
    path = write(answers(), tmp_path / "responses.csv")
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n")
    for arguments, said in (
        ((path,), "say the file and the reference column"),
        ((path, "Grad-CAM"), "no answers in column Grad-CAM; there are =Ours, 1, Edges, Grad-CAMs, Größe 2"),
        ((tmp_path / "none.csv", "A"), "no file"),
        ((other, "A"), "other.csv has no column participant"),
    ):
        done = run(*arguments)
        assert done.returncode == 2 and not done.stdout
        (line,) = done.stderr.splitlines()
        assert line.startswith("mixed_models.R: ") and said in line
