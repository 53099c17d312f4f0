"""A task that declares an outcome and nothing else has a whole report, whichever kind its outcome is."""

import json
from typing import Any

import numpy as np
import pytest

from survey_site.reports import figures
from survey_site.statistics import data, table
from survey_site.statistics.outcome import Outcome
from survey_site.statistics.plan import AnalysisPlan
from survey_site.statistics.uncertainty import Sample, difference, mean_interval, proportion_interval
from tests.statistics import naive

SPOTTED = Outcome("spotted", "spotting", "Spotted", "share", places=1)
GRADE = Outcome("grade", "grading", "Grade", "mean", 1, 5, places=2, answers="grades", whole=True)
SLIDER = Outcome("trust", "sliding", "Trust", "mean", 0, 100, places=1)
COLUMNS, PEOPLE, TRIALS = ("A", "B", "C"), 24, 6
PLAN = AnalysisPlan(columns=COLUMNS, reference="A", resamples=199)


def answers(outcome: Outcome, seed: int = 5) -> list[dict[str, Any]]:
    """Scores that rise from column to column; every participant sees 18 images."""
    rng = np.random.default_rng(seed)
    rows = []
    for p in range(PEOPLE):
        for j in range(TRIALS * len(COLUMNS)):
            k = (j + p) % len(COLUMNS)
            latent = 0.3 + 0.2 * k + rng.normal(0, 0.15)
            if outcome.kind == "share":
                score = float(rng.random() < latent)
            else:
                score = outcome.low + (outcome.high - outcome.low) * float(np.clip(latent, 0, 1))
                score = round(score) if outcome.whole else score
            rows.append(
                {"participant": f"p{p:02d}", "task": outcome.task, "block": outcome.task, "column": COLUMNS[k],
                 "stimulus": f"i{j:02d}", "score": score, "position": j, "rt_ms": 2000 + 10 * j, "seen": "yes",
                 "map_sha256": f"{COLUMNS[k]}{j}", "base": "xy"[j % 2]}
            )  # fmt: skip
    return rows


def sample(rows: list[dict[str, Any]], column: str) -> Sample:
    own = [row for row in rows if row["column"] == column]
    return Sample(
        np.array([row["score"] for row in own]),
        np.array([int(row["participant"][1:]) for row in own]),
        np.array([int(row["stimulus"][1:]) for row in own]),
    )


def report(rows: list[dict[str, Any]], *outcomes: Outcome, **options: Any) -> dict[str, Any]:
    found = table.build(rows, PLAN, outcomes=outcomes, **options)
    json.dumps(found, allow_nan=False)
    return dict(found)


@pytest.fixture(scope="module", params=[SPOTTED, GRADE, SLIDER], ids=lambda outcome: outcome.key)
def asked(request: pytest.FixtureRequest) -> tuple[Outcome, list[dict[str, Any]], dict[str, Any]]:
    outcome = request.param
    rows = answers(outcome)
    maps = [
        {"map_sha256": key, "column": key[0], "confidence": int(key[1:]) / 18 + "ABC".index(key[0])}
        for key in sorted({row["map_sha256"] for row in rows})
    ]
    return outcome, rows, report(rows, outcome, maps=maps)


def test_every_column_has_its_estimate_and_two_way_interval(asked: Any) -> None:
    outcome, rows, found = asked
    for column in found["columns"]:
        own, cell = sample(rows, column["column"]), column[outcome.key]
        assert cell["n"] == PEOPLE * TRIALS
        assert cell[outcome.total] == pytest.approx(own.y.sum())
        assert cell[outcome.value] == pytest.approx(outcome.factor * own.y.mean())
        assert float(cell["text"]) == pytest.approx(cell[outcome.value], abs=0.6 * 10**-outcome.places)
        interval = proportion_interval(own) if outcome.kind == "share" else mean_interval(own)
        assert cell["ci"] == pytest.approx(interval.pair(outcome.factor))
        assert [part["base"] for part in column["bases"]] == ["x", "y"]
        assert sum(part[outcome.key]["n"] for part in column["variants"]) == cell["n"]


def test_it_is_compared_with_the_reference_and_corrected_by_holm(asked: Any) -> None:
    outcome, rows, found = asked
    family = found["comparisons"][outcome.key]
    assert family["primary_test"] == "two_way_t"
    assert [row["column"] for row in family["rows"]] == ["B", "C"]
    for row in family["rows"]:
        gain = difference(sample(rows, row["column"]), sample(rows, "A"))
        assert row["difference"] == pytest.approx(gain.value)
        assert row["difference_ci"] == pytest.approx(gain.interval.pair())
        assert ("cliffs_delta" in row) == (outcome.kind == "mean")
        assert ("odds_ratio_plus_half" in row) == (outcome.kind == "share")
        if outcome.kind == "mean":
            a, b = (sample(rows, name).y for name in (row["column"], "A"))
            assert row["cliffs_delta"] == pytest.approx(naive.dominance(a.tolist(), b.tolist()))
            above = 1 - outcome.low
            assert row["ratio_from_one"] == pytest.approx((a.mean() + above) / (b.mean() + above))
    expected = naive.holm([row["p"]["two_way_t"] for row in family["rows"]])
    assert [row["p_holm"] for row in family["rows"]] == pytest.approx(expected)
    assert found["columns"][2][outcome.key]["vs_reference"] is family["rows"][1]


def test_odds_come_from_the_model_of_its_kind(asked: Any) -> None:
    outcome, _, found = asked
    model = found["models"][outcome.key]
    if outcome is SLIDER:
        assert (model["rows"], model["reason"]) == ([], "left out: the scores are no ordered levels")
    else:
        assert [row["column"] for row in model["rows"]] == ["B", "C"]
        assert model["rows"][1]["odds_ratio"] > model["rows"][0]["odds_ratio"] > 1


def test_order_balance_multiverse_and_machine_are_there(asked: Any) -> None:
    outcome, _, found = asked
    effects = found["order"][outcome.key]
    unit = "log odds per trial" if outcome.kind == "share" else "scale points per trial"
    assert (effects["slope"]["unit"], effects["slope"]["reason"]) == (unit, None)
    assert effects["balance"]["item_by_column"] == {"min": 8, "max": 8}
    assert [half["column"] for half in effects["halves"]] == list(COLUMNS)
    rows = found["multiverse"]["rows"]
    assert {row["scoring"] for row in rows} == {outcome.task}
    assert {row["statistic"] for row in rows} == {"pooled", "mean of participants", "mean of images"}
    for column in found["columns"]:
        low, high = found["multiverse"]["spread"][outcome.key][column["column"]]
        assert low - 1e-9 <= column[outcome.key][outcome.value] <= high + 1e-9
    machine = next(row for row in found["human_machine"] if row["machine"] == "confidence")
    assert (machine["human"], machine["n"]) == (outcome.key, 54)
    assert machine["rho"] > 0.5


def test_whole_scores_have_measures_of_agreement_and_others_none(asked: Any) -> None:
    outcome, _, found = asked
    measures = [(row["measure"], row["title"]) for row in found["agreement"]]
    if outcome is GRADE:
        assert measures == [
            ("ordinal_alpha", "Krippendorff's α of the grades (ordinal)"),
            ("icc_2_1", "ICC(2,1) of the grades"),
            ("icc_2_k", "ICC(2,k) of the grades"),
        ]
        assert all(-1 <= row["value"] <= 1 for row in found["agreement"])
    else:
        assert measures == []


@pytest.mark.parametrize("name", figures.FIGURES)
def test_the_general_figures_are_drawn(asked: Any, name: str) -> None:
    outcome, rows, found = asked
    svg = figures.draw(name, found, data.from_rows(rows), {}, "svg")
    assert svg.startswith(b"<?xml")
    if name == "estimates":
        axis = figures.estimates(found, data.from_rows(rows)).axes[0]
        diamonds = [line.get_ydata()[0] for line in axis.lines if line.get_marker() == "D"]
        assert diamonds == [column[outcome.key][outcome.value] for column in found["columns"]]


def test_outcomes_side_by_side_do_not_change_each_other() -> None:
    both = answers(SPOTTED) + answers(GRADE)
    found, alone = report(both, SPOTTED, GRADE), report(answers(GRADE), GRADE)
    assert [outcome["key"] for outcome in found["outcomes"]] == ["spotted", "grade"]
    assert [column["grade"] for column in found["columns"]] == [
        column["grade"] for column in alone["columns"]
    ]
    assert found["agreement"] == alone["agreement"]
    assert len(figures.estimates(found, data.from_rows(both)).axes) == 2


def test_the_second_score_counts_where_the_plan_says() -> None:
    rows = [row | {"second_score": 1} for row in answers(SPOTTED)]
    plan = AnalysisPlan(columns=COLUMNS, reference="A", resamples=199, second_scores=("spotting",))
    found = table.build(rows, plan, outcomes=(SPOTTED,))
    assert [column["spotted"]["percent"] for column in found["columns"]] == [100.0] * 3


def test_an_answer_that_counts_in_two_columns_is_one_trial_of_its_participant() -> None:
    rows = answers(GRADE)
    other = {"A": "B", "B": "C", "C": "A"}
    twice = rows + [
        row | {"column": other[row["column"]], "score": 6 - row["score"], "further": 1} for row in rows
    ]
    found = report(twice, GRADE)
    assert [column["grade"]["n"] for column in found["columns"]] == [2 * PEOPLE * TRIALS] * 3
    assert found["quality"]["trials"] == len(rows)
    assert found["order"]["grade"]["balance"]["position_by_column"]["min"] == 16


def test_a_score_off_the_scale_and_a_task_without_an_outcome_are_refused() -> None:
    with pytest.raises(ValueError, match="scores of the task grading must lie between 1 and 5"):
        report([answers(GRADE)[0] | {"score": 6}], GRADE)
    with pytest.raises(ValueError, match="no outcome is given for grading"):
        report(answers(GRADE)[:1], SPOTTED)


def test_the_same_score_everywhere_is_straight_lining_on_any_scale_and_never_of_a_share() -> None:
    rows = [row | {"score": 1} if row["participant"] == "p03" else row for row in answers(GRADE)]
    assert report(rows, GRADE)["quality"]["rules"]["straight_lining"] == 1
    right = [row | {"score": 1} if row["participant"] == "p03" else row for row in answers(SPOTTED)]
    assert report(right, SPOTTED)["quality"]["rules"]["straight_lining"] == 0
