"""Exclusion rules: declared thresholds, blind to the outcome, first match counts."""

import pytest
from scipy import stats

from survey_site.statistics import data, quality
from survey_site.statistics.plan import AnalysisPlan, QualityRules
from tests.statistics import two_tasks
from tests.statistics.two_tasks import OUTCOMES

RULES = QualityRules()


def load(rows: list[dict]) -> data.Trials:
    return two_tasks.load(rows)


def change(rows: list[dict], person: str, **values: object) -> list[dict]:
    return [r | values if r["participant"] == person else r for r in rows]


def test_position_thresholds_are_those_of_the_specification() -> None:
    assert [quality.position_threshold(4, t) for t in (6, 12, 24, 48)] == [6, 10, 15, 24]


@pytest.mark.parametrize(("m", "trials"), [(2, 20), (4, 24), (12, 6)])
def test_a_guesser_reaches_the_position_threshold_less_often_than_alpha(m: int, trials: int) -> None:
    k = quality.position_threshold(m, trials)
    assert m * stats.binom.sf(k - 1, trials, 1 / m) < 0.001 <= m * stats.binom.sf(k - 2, trials, 1 / m)


def test_a_careful_participant_is_never_excluded(made_up) -> None:
    assert quality.exclusions(load(made_up()), RULES, OUTCOMES) == {}


def test_too_fast_and_too_slow_answers_exclude_above_a_quarter(made_up) -> None:
    rows = made_up()
    fast = change(rows, "p0001", rt_ms=100)
    slow = change(fast, "p0002", rt_ms=500_000)
    assert quality.exclusions(load(slow), RULES, OUTCOMES) == {
        "p0001": quality.FLAGGED,
        "p0002": quality.FLAGGED,
    }
    own = [k for k, r in enumerate(rows) if r["participant"] == "p0001"]
    exactly = list(rows)
    for k in own[: len(own) // 4]:
        exactly[k] = rows[k] | {"rt_ms": 100}
    assert len(own) % 4 or quality.exclusions(load(exactly), RULES, OUTCOMES) == {}


def test_unknown_response_times_are_not_held_against_anyone(made_up) -> None:
    assert quality.exclusions(load([r | {"rt_ms": ""} for r in made_up()]), RULES, OUTCOMES) == {}


def test_the_same_rating_for_all_methods_is_straight_lining(made_up) -> None:
    rows = [
        r | {"rating": 4} if r["participant"] == "p0003" and r["task"] == "rating" else r for r in made_up()
    ]
    assert quality.exclusions(load(rows), RULES, OUTCOMES) == {"p0003": quality.STRAIGHT}
    one_method = [r for r in rows if r["task"] == "matching" or r["column"] == "A"]
    assert quality.exclusions(load(one_method), RULES, OUTCOMES) == {}


def test_always_the_same_place_excludes_even_if_the_answers_are_right(made_up) -> None:
    rows = []
    for r in made_up(trials=8):
        if r["task"] == "matching" and r["participant"] == "p0000":
            first = r["pool"].split("|")[0]
            r = r | {"stimulus": first, "choice": first, "correct": 1}
        rows.append(r)
    assert quality.exclusions(load(rows), RULES, OUTCOMES) == {"p0000": quality.POSITION}


def test_accuracy_never_excludes(made_up) -> None:
    rows = [r | {"correct": 0} if r["task"] == "matching" else r for r in made_up()]
    assert quality.exclusions(load(rows), RULES, OUTCOMES) == {}


def check_row(person: str, passed: int, word: object = 1) -> dict:
    return {"participant": person, "task": "rating", "column": "A", "stimulus": "x", "rating": 2,
            "attention_check": word, "expected": 2 if passed else 5}  # fmt: skip


def test_two_failed_attention_checks_exclude_and_one_does_not(made_up) -> None:
    rows = made_up()
    rows += [check_row("p0000", 0), check_row("p0000", 1), check_row("p0000", 0)]
    rows += [check_row("p0001", 0), check_row("p0001", 1), check_row("p0001", 1)]
    rows += [check_row("p0002", 0, "failed"), check_row("p0002", 0, "failed")]
    found = quality.exclusions(load(rows), RULES, OUTCOMES)
    assert found == {"p0000": quality.ATTENTION, "p0002": quality.ATTENTION}


@pytest.mark.parametrize(
    ("values", "outcome"),
    [
        ({"attention_check": 1, "expected": 2}, 1),
        ({"attention_check": 1, "expected": 5}, 2),
        ({"attention_check": 1, "expected": 2, "rating": ""}, 2),
        ({"attention_check": 1}, 3),
        ({"attention_check": 1, "task": "matching", "correct": 1}, 1),
        ({"attention_check": 1, "task": "matching", "correct": ""}, 2),
        ({"attention_check": "passed"}, 1),
        ({"attention_check": 0}, 0),
        ({"attention_check": ""}, 0),
    ],
)
def test_a_check_is_judged_by_what_it_asked_for(values: dict, outcome: int) -> None:
    row = {"participant": "p", "task": "rating", "column": "A", "stimulus": "x", "rating": 2, "correct": ""}
    assert load([row | values]).check.tolist() == [outcome]


def test_a_check_of_unknown_outcome_excludes_nobody_and_counts_in_no_estimate(made_up) -> None:
    rows = made_up()
    unknown = {
        "participant": "p0000",
        "task": "rating",
        "column": "A",
        "stimulus": "x",
        "rating": 2,
        "attention_check": 1,
    }
    trials = load([*rows, unknown, unknown, unknown])
    assert quality.exclusions(trials, RULES, OUTCOMES) == {}
    assert len(quality.eligible(trials, AnalysisPlan())) == len(rows)
    assert quality.summary(trials, AnalysisPlan(), OUTCOMES)["checks_unknown"] == 3


def test_attention_checks_and_practice_are_in_no_estimate(made_up) -> None:
    rows = made_up()
    extra = [check_row("p0000", 1), rows[0] | {"block": "practice"}]
    assert len(quality.eligible(load(rows + extra), AnalysisPlan())) == len(rows)


def test_a_rule_that_is_off_excludes_nobody(made_up) -> None:
    rows = change(made_up(), "p0001", rt_ms=100)
    assert quality.exclusions(load(rows), QualityRules.off(), OUTCOMES) == {}


def test_the_first_matching_reason_counts(made_up) -> None:
    rows = [*change(made_up(), "p0000", rt_ms=1), check_row("p0000", 0), check_row("p0000", 0)]
    assert quality.exclusions(load(rows), RULES, OUTCOMES) == {"p0000": quality.ATTENTION}


@pytest.mark.parametrize("kind", data.APART)
def test_those_who_stand_apart_are_in_neither_table(made_up, kind: str) -> None:
    rows = change(made_up(), "p0004", excluded=1, exclusion_reason=kind)
    trials = load(rows)
    assert "p0004" not in quality.eligible(trials, AnalysisPlan()).participant.present()
    assert "p0004" not in quality.all_exclusions(trials, AnalysisPlan(), OUTCOMES)


def test_a_stored_exclusion_counts_after_and_not_before(made_up) -> None:
    trials = load(change(made_up(), "p0004", excluded=1, exclusion_reason="told us so"))
    plan = AnalysisPlan()
    assert quality.all_exclusions(trials, plan, OUTCOMES) == {"p0004": "told us so"}
    assert "p0004" in quality.eligible(trials, plan).participant.present()
    assert "p0004" not in quality.analysed(trials, plan).participant.present()


def test_unseen_trials_do_not_count_and_unknown_ones_as_the_plan_says(made_up) -> None:
    rows = made_up()
    rows[0] = rows[0] | {"seen": "no"}
    rows[1] = rows[1] | {"seen": "unknown"}
    assert len(quality.eligible(load(rows), AnalysisPlan())) == len(rows) - 1
    assert len(quality.eligible(load(rows), AnalysisPlan(seen_unknown_counts=False))) == len(rows) - 2


def test_the_flow_adds_up(made_up) -> None:
    rows = change(change(made_up(), "p0001", rt_ms=1), "p0002", excluded=1, exclusion_reason="bot")
    trials = load(rows)
    people = [
        {"participant": f"p{k:04d}", "kind": "person", "consented": 1, "finished": int(k < 9)}
        for k in range(10)
    ]
    people += [{"participant": "b", "kind": "bot", "consented": 1, "finished": 1}]
    flow = quality.flow(trials, quality.all_exclusions(trials, AnalysisPlan(), OUTCOMES), people)
    assert (flow["started"], flow["consented"], flow["finished"], flow["apart"]["bots"]) == (10, 10, 9, 1)
    assert flow["with_answers"] == flow["analysed"] + sum(flow["excluded"].values()) == 7
    assert flow["excluded"] == {quality.FLAGGED: 1}
    assert flow["left"] == {
        "consented": {},
        "finished": {"did_not_finish": 1},
        "with_answers": {"without_answers_that_count": 2},
    }
    unlisted = quality.flow(trials, {})
    assert unlisted["left"] == {} and unlisted["started"] is None


def test_flagged_trials_are_those_outside_the_limits() -> None:
    row = {"participant": "p", "task": "rating", "column": "A", "stimulus": "x"}
    trials = load([row | {"rt_ms": rt} for rt in (499, 500, 120_000, 120_001, "")])
    assert quality.flagged_trials(trials, RULES).tolist() == [True, False, False, True, False]


def test_a_few_equal_ratings_are_no_straight_lining(made_up) -> None:
    rows = [r | {"rating": 4} for r in made_up(trials=1) if r["task"] == "rating"]
    assert quality.exclusions(load(rows), RULES, OUTCOMES) == {}


def test_signs_exclude_only_where_they_are_declared(made_up) -> None:
    rows = change(made_up(), "p0001", signs="webdriver|hidden")
    assert quality.exclusions(load(rows), RULES, OUTCOMES) == {}
    assert quality.signs(load(rows))["hidden"] == {"p0001"}
    declared = QualityRules(signs=("webdriver",))
    assert quality.exclusions(load(rows), declared, OUTCOMES) == {"p0001": "signs"}
    assert quality.exclusions(load(rows), QualityRules(signs=("pasted",)), OUTCOMES) == {}


@pytest.mark.parametrize(
    "wrong", [{"signs": ["robot"]}, {"signs": "webdriver"}, {"picture_min_px": None}, {"signs_share": -1}]
)
def test_rules_of_signs_that_cannot_be_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match=r"signs|picture_min_px"):
        QualityRules.from_mapping(wrong)
    assert QualityRules.from_mapping({"signs": ["hidden"]}).signs == ("hidden",)
