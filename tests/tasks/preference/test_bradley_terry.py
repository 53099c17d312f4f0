"""Strengths of the preferred maps: known answers, a second implementation, and what cannot be estimated."""

from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from survey_site.statistics import bradley_terry as bt
from survey_site.statistics.data import Trials, from_rows
from survey_site.statistics.plan import AnalysisPlan
from survey_site.statistics.sections import crossed_models_of
from survey_site.tasks.preference.analysis import figures, sections
from survey_site.tasks.preference.task import TASK

PLAN = AnalysisPlan(columns=("a", "b", "c"), reference="a", resamples=99)


def rows_of(duels: list[tuple[int, int, str, str, int]]) -> Trials:
    """participant, image, own, rival, won → the two rows of each answer."""
    rows: list[dict[str, Any]] = []
    for position, (person, image, own, rival, won) in enumerate(duels):
        common = {
            "participant": f"p{person}",
            "task": "preference",
            "stimulus": f"i{image}",
            "position": position,
            "answers": {"preferred": (won + position) % 2, "own": won},
        }
        rows.append(common | {"column": own, "score": won, "further": 0})
        rows.append(common | {"column": rival, "score": 1 - won, "further": 1})
    return from_rows(rows)


def simulated(seed: int, theta: dict[str, float], n: int = 600) -> Trials:
    rng = np.random.default_rng(seed)
    names = list(theta)
    duels = []
    for k in range(n):
        own, rival = rng.choice(names, 2, replace=False)
        p = 1 / (1 + np.exp(theta[rival] - theta[own]))
        duels.append((k % 20, k % 12, str(own), str(rival), int(rng.random() < p)))
    return rows_of(duels)


def test_two_columns_have_the_log_odds_of_their_share() -> None:
    trials = rows_of([(k % 4, k % 5, "a", "b", int(k % 4 == 0)) for k in range(40)])
    found = bt.strengths(bt.duels_of(trials))
    assert found.theta[0] - found.theta[1] == pytest.approx(np.log(1 / 3), abs=1e-6)
    assert found.theta.sum() == pytest.approx(0)


def test_the_maximum_is_that_of_a_logistic_regression_and_so_are_unclustered_influences() -> None:
    duels = bt.duels_of(simulated(1, {"a": -0.6, "b": 0.0, "c": 0.9}))
    design = np.zeros((len(duels), 3))
    design[np.arange(len(duels)), duels.own] += 1
    design[np.arange(len(duels)), duels.rival] -= 1
    fitted = sm.GLM(duels.won, design[:, 1:], family=sm.families.Binomial()).fit(cov_type="HC0")
    found = bt.strengths(duels)
    assert found.theta[1:] - found.theta[0] == pytest.approx(fitted.params, abs=1e-5)
    robust = np.sqrt(((found.influence @ np.array([-1, 1, 0])) ** 2).sum())
    assert robust == pytest.approx(fitted.bse[0], rel=1e-4)


def test_every_answer_is_one_duel_whatever_the_order_of_its_rows() -> None:
    trials = simulated(2, {"a": 0, "b": 0, "c": 0}, n=60)
    shuffled = trials.select(np.random.default_rng(0).permutation(len(trials)))
    assert len(bt.duels_of(trials)) == 60
    assert (bt.duels_of(trials).wins == bt.duels_of(shuffled).wins).all()


@given(st.integers(0, 50))
@settings(max_examples=15, deadline=None)
def test_renaming_the_columns_changes_nothing_but_their_names(seed: int) -> None:
    theta = {"a": -0.5, "b": 0.1, "c": 0.4}
    found = bt.strengths(bt.duels_of(simulated(seed, theta, n=300)))
    again = bt.strengths(bt.duels_of(simulated(seed, {f"z{n}": v for n, v in theta.items()}, n=300)))
    assert found.theta == pytest.approx(again.theta)


def test_a_column_that_won_every_pair_has_no_strength_and_the_report_says_why() -> None:
    duels = [(k % 6, k % 5, "a", "b" if k % 2 else "c", 1) for k in range(40)]
    duels += [(k % 6, k % 5, "b", "c", k % 2) for k in range(20)]
    trials = rows_of(duels)
    found = {section["key"]: section for section in sections(trials, PLAN, [])}
    assert "has no bound" in found["bradley_terry"]["lead"] and not found["bradley_terry"]["rows"]
    shares = {row[0]: row[2] for row in found["preferred_pairs"]["rows"]}
    assert shares["a – b"] == "100"


def test_without_answers_the_report_says_so() -> None:
    empty = rows_of([(1, 1, "a", "b", 1)])
    empty = empty.select(np.zeros(len(empty), np.bool_))
    found = sections(empty, PLAN, [])
    assert found[0]["lead"] == bt.NO_DUELS and figures(empty, []) == {}


def test_preferences_in_a_circle_are_counted_and_contradict_the_model() -> None:
    rng = np.random.default_rng(5)
    ring = [("a", "b"), ("b", "c"), ("c", "a")]
    duels = [
        (person, image, own, rival, int(rng.random() < 0.85))
        for person in range(20)
        for image in range(10)
        for own, rival in ring
    ]
    found = bt.circles(bt.duels_of(rows_of(duels)), 0.95)
    assert (found["triples"], found["circular"], found["against_the_model"]) == (1, 1, 1)
    orderly = bt.circles(bt.duels_of(simulated(3, {"a": -1, "b": 0, "c": 1})), 0.95)
    assert (orderly["circular"], orderly["against_the_model"]) == (0, 0)


def test_a_liking_for_a_place_is_told_and_moves_no_strength() -> None:
    trials = simulated(4, {"a": 0, "b": 0, "c": 0}, n=120)
    lead = sections(trials, PLAN, [])[-1]["lead"]
    assert "of 120 pairs" in lead


def test_mixed_models_do_not_take_an_answer_for_two() -> None:
    """Both rows of a duel say the same: a model that takes them for two answers has intervals that are too narrow."""
    trials = simulated(4, {"a": 0.0, "b": 0.4, "c": 0.8})
    found = crossed_models_of(trials, PLAN, ["a", "b", "c"], [TASK.outcome])["preferred"]
    assert found["rows"] == [] and "counts in two columns" in str(found["reason"])
