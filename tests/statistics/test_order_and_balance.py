"""Order effects and balance."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from survey_site.statistics import order
from tests.statistics.two_tasks import load


def rows_with_slope(slope: float, seed: int = 3, people: int = 30) -> list[dict]:
    rng = np.random.default_rng(seed)
    rows = []
    for p in range(people):
        for position in range(20):
            rating = int(np.clip(np.round(2 + slope * position + rng.normal(0, 0.7)), 0, 6))
            rows.append({"participant": f"p{p}", "task": "rating", "column": "AB"[(p + position) % 2],
                         "stimulus": f"i{(p + position) % 20}", "position": 50 + position, "rating": rating})  # fmt: skip
    return rows


def test_a_planted_trend_is_found_with_its_size() -> None:
    result = order.pooled_slope(load(rows_with_slope(0.1)), "mean")
    assert result["slope"] == pytest.approx(0.1, abs=0.02)
    assert result["p"] < 1e-6 and result["ci"][0] < 0.1 < result["ci"][1]


def test_no_trend_is_no_effect() -> None:
    result = order.pooled_slope(load(rows_with_slope(0.0)), "mean")
    assert result["ci"][0] < 0 < result["ci"][1]


def test_the_rating_slope_is_that_of_least_squares() -> None:
    trials = load(rows_with_slope(0.05))
    x = np.column_stack([np.ones(600), trials.column.codes == 1, trials.position - 50])
    beta = np.linalg.lstsq(x, trials.value, rcond=None)[0]
    assert order.pooled_slope(trials, "mean")["slope"] == pytest.approx(beta[2])


def test_the_matching_slope_is_that_of_a_logistic_regression(made_up) -> None:
    import statsmodels.api as sm

    trials = load(made_up(participants=20)).of_task("matching")
    x = np.column_stack(
        [
            np.ones(len(trials)),
            trials.column.codes == 1,
            trials.column.codes == 2,
            order.position_in_task(trials),
        ]
    ).astype(float)
    expected = sm.Logit(trials.value, x).fit(disp=0).params[3]
    assert order.pooled_slope(trials, "share")["slope"] == pytest.approx(float(expected), abs=1e-6)


def test_positions_are_ranks_within_the_task_of_each_participant(made_up) -> None:
    trials = load(made_up(participants=3))
    ranks = order.position_in_task(trials)
    for p in range(3):
        for task in ("matching", "rating"):
            own = (trials.participant.codes == p) & trials.task.equals(task)
            assert sorted(ranks[own]) == list(range(9))
            assert (np.argsort(ranks[own]) == np.argsort(trials.position[own])).all()


def test_halves_per_column_show_the_trend_with_holm() -> None:
    rows = order.halves(load(rows_with_slope(0.1)))
    assert [row["column"] for row in rows] == ["A", "B"]
    for row in rows:
        assert row["difference"] == pytest.approx(-1, abs=0.2)
        assert row["p"] <= row["p_holm"] < 1e-4


def test_balance_counts_the_emptiest_and_fullest_cell() -> None:
    def row(p: str, column: str, item: str, position: int) -> dict:
        return {
            "participant": p,
            "task": "rating",
            "column": column,
            "stimulus": item,
            "position": position,
            "rating": 1,
        }

    rows = [row("a", "A", "x", 0), row("a", "B", "y", 1), row("b", "A", "x", 0), row("b", "B", "x", 1)]
    result = order.balance(load(rows))
    assert result["item_by_column"] == {"min": 0, "max": 2}
    assert result["position_by_column"] == {"min": 0, "max": 2}


def test_answer_positions_are_tested_against_one_in_m(made_up) -> None:
    trials = load(made_up(participants=30)).of_task("matching")
    result = order.answer_positions(trials)
    assert sum(result["chosen"]) == len(trials)
    counts = np.zeros((30, 4))
    np.add.at(counts, (trials.participant.codes, trials.answer_at), 1)
    excess = (counts - counts.sum(1, keepdims=True) / 4)[:, :3]
    mean, inverse = excess.mean(0), np.linalg.inv(np.cov(excess, rowvar=False))
    t2 = 30 * mean @ inverse @ mean
    assert result["p_chosen"] == pytest.approx(stats.f.sf(t2 * 27 / (3 * 29), 3, 27))
    assert "p_target" not in result
    left = trials.select((trials.answer_at == 0) | (trials.answer_at == 1))
    assert order.answer_positions(left)["p_chosen"] is None or order.answer_positions(left)["p_chosen"] < 1e-6


def test_one_stubborn_participant_is_one_participant(made_up) -> None:
    trials = load(made_up(participants=30, trials=8)).of_task("matching")
    stubborn = trials.participant.codes == 0
    answer_at = np.where(stubborn, 0, trials.answer_at)
    many = np.concatenate([np.arange(len(trials)), np.repeat(np.flatnonzero(stubborn), 20)])
    result = order.answer_positions(replace(trials, answer_at=answer_at).select(many))
    assert stats.chisquare(result["chosen"]).pvalue < 1e-6 < 0.05 < result["p_chosen"]


def test_scores_that_differ_between_columns_only_leave_no_slope_to_test() -> None:
    rows = [r | {"rating": 4.1 if r["column"] == "A" else 2.3} for r in rows_with_slope(0.1)]
    trials = replace(load([r | {"rating": 1} for r in rows]), value=np.array([r["rating"] for r in rows]))
    assert "no variation between the answers of a column" in order.pooled_slope(trials, "mean")["reason"]


def test_what_cannot_be_estimated_says_why() -> None:
    rows = rows_with_slope(0.1)
    assert "no answers" in order.pooled_slope(load([]), "mean")["reason"]
    two = load([r for r in rows if r["participant"] in ("p0", "p1")])
    assert "3 participants" in order.pooled_slope(two, "mean")["reason"]
    assert "no variation" in order.pooled_slope(load([r | {"rating": 2} for r in rows]), "mean")["reason"]
    fixed = [
        r | {"column": "A" if r["position"] < 60 else "B", "position": int(r["position"] >= 60)} for r in rows
    ]
    confounded = load([r for k, r in enumerate(fixed) if k % 20 in (0, 19)])
    assert "told apart" in order.pooled_slope(confounded, "mean")["reason"]
    assert order.balance(load([])) == {"item_by_column": None, "position_by_column": None}
