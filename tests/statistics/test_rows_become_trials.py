"""The loader: typed or text values, missing is missing, order of rows irrelevant."""

import numpy as np
import pytest

from survey_site.statistics import data, quality
from survey_site.statistics.plan import AnalysisPlan, QualityRules
from tests.statistics.two_tasks import build, load

ROW = {"participant": "p1", "task": "rating", "column": "A", "stimulus": "x", "rating": 0}


def test_text_and_typed_values_mean_the_same(made_up) -> None:
    rows = made_up()
    typed = load(rows)
    text = load([{k: str(v) for k, v in r.items()} for r in rows])
    for name in (
        "value",
        "second_value",
        "declined",
        "rt_ms",
        "position",
        "pool_size",
        "answer_at",
        "target_at",
        "check",
    ):
        assert np.array_equal(getattr(typed, name), getattr(text, name), equal_nan=True), name


def test_a_rating_of_zero_is_a_value_and_an_empty_one_is_missing() -> None:
    trials = load([ROW, ROW | {"rating": ""}, ROW | {"rating": None}])
    assert trials.value[0] == 0
    assert np.isnan(trials.value[1:]).all()
    assert trials.timeout.tolist() == [False, True, True]


def test_a_skip_is_missing_and_no_timeout() -> None:
    trials = load([ROW | {"rating": "", "missing_reason": reason} for reason in ("timeout", "skipped")])
    assert trials.timeout.tolist() == [True, False]


def test_pools_shown_in_another_order_are_one_cluster() -> None:
    base = {
        "participant": "p",
        "task": "matching",
        "column": "A",
        "stimulus": "b",
        "choice": "c",
        "correct": 0,
    }
    trials = load([base | {"pool": "a|b|c"}, base | {"pool": "c|a|b"}, base | {"pool": ["b", "c", "a"]}])
    assert len(set(trials.item.codes)) == 1
    assert trials.pool_size.tolist() == [3, 3, 3]
    assert trials.answer_at.tolist() == [2, 0, 1]
    assert trials.target_at.tolist() == [1, 2, 0]


def test_cant_tell_has_no_place_in_the_pool_and_is_wrong() -> None:
    row = {
        "participant": "p",
        "task": "matching",
        "column": "A",
        "stimulus": "b",
        "choice": "cant_tell",
        "correct": 0,
    }
    trials = load([row | {"pool": "a|b"}])
    assert trials.answer_at.tolist() == [-1] and trials.value.tolist() == [0]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([ROW | {"task": "guessing"}], "matching or rating"),
        ([ROW | {"task": ""}], "matching or rating"),
        ([ROW | {"rating": "many"}], "column score: 'many' is not a number"),
        ([ROW | {"rating": 2.5}], "a score of the task rating is a whole number"),
        ([ROW | {"task": "matching", "correct": 2}], "scores of the task matching must lie between 0 and 1"),
        (
            [ROW | {"task": "matching", "class_correct": 0.5}],
            "a score of the task matching is a whole number",
        ),
        ([ROW | {"declined": 2}], "column declined: values are 0, 1 or missing"),
        ([ROW, ROW | {"participant": ""}], "column participant: row 2 has none"),
        ([ROW | {"stimulus": None}], "column stimulus: row 1 has none"),
    ],
)
def test_bad_rows_are_refused_with_the_column(rows: list[dict], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build(rows, AnalysisPlan())


def test_absent_and_uneven_columns_are_refused() -> None:
    with pytest.raises(ValueError, match="not there: task, column, stimulus"):
        data.from_columns({"participant": ["a"]})
    with pytest.raises(ValueError, match="differ in length"):
        data.from_columns({"participant": ["a"], "task": [], "column": ["A"], "stimulus": ["x"]})


def test_codes_do_not_depend_on_the_order_of_the_rows(made_up) -> None:
    rows = made_up()
    forward, backward = load(rows), load(rows[::-1])
    assert forward.participant.labels == backward.participant.labels
    assert np.array_equal(forward.participant.codes, backward.participant.codes[::-1])


def test_the_plan_survives_json_and_refuses_unknown_settings() -> None:
    plan = AnalysisPlan(columns=("A", "B"), rules=QualityRules(rt_min_ms=300))
    assert AnalysisPlan.from_mapping(plan.to_mapping()) == plan
    with pytest.raises(ValueError, match="unknown settings of the analysis plan: colour"):
        AnalysisPlan.from_mapping({"colour": "blue"})
    with pytest.raises(ValueError, match="unknown exclusion rules: fastest"):
        AnalysisPlan.from_mapping({"rules": {"fastest": 1}})
    with pytest.raises(ValueError, match="at least 0, or null: failed_checks"):
        AnalysisPlan.from_mapping({"rules": {"failed_checks": "two"}})
    with pytest.raises(ValueError, match="unknown settings of the analysis plan: headline, rating_max"):
        AnalysisPlan.from_mapping({"headline": "correct", "rating_max": 6})
    assert AnalysisPlan.from_mapping({"second_scores": ["a"]}).second_scores == ("a",)


def test_the_plan_of_a_protocol_names_columns_reference_and_controls() -> None:
    document = {
        "design": {"count_unknown_seen": False},
        "conditions": [
            {"column": "Edges", "column_order": 3, "method": "edges", "is_reference": False},
            {"column": "CAM", "column_order": 1, "method": "", "is_reference": True},
            {"column": "CAM", "column_order": 1, "method": "", "is_reference": True},
            {"column": "Ours", "column_order": 2, "method": "add-edges", "is_reference": False},
        ],
        "exclusion_rules": {"rt_min_ms": 250},
        "analysis_plan": {"level": 0.9},
    }
    plan = AnalysisPlan.from_protocol(document, ["guess"])
    assert plan.columns == ("CAM", "Ours", "Edges")
    assert (plan.reference, plan.controls, plan.edges_control) == ("CAM", ("Edges",), "Edges")
    assert (plan.second_scores, plan.seen_unknown_counts, plan.level) == (("guess",), False, 0.9)
    assert plan.rules.rt_min_ms == 250
    assert AnalysisPlan.from_protocol({}).columns == ()


def test_trials_seen_by_nobody_leave_an_empty_but_valid_selection(made_up) -> None:
    trials = load([r | {"seen": "no"} for r in made_up()])
    assert len(quality.eligible(trials, AnalysisPlan())) == 0
