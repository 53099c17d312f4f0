"""An honest table from whatever data there are: n and "not estimable", never a crash or a silent 0."""

import json
import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from survey_site.statistics.plan import AnalysisPlan, QualityRules
from tests.statistics.two_tasks import agreement, build, load, section

PLAN = AnalysisPlan(columns=("A", "B", "C"), reference="A", resamples=199)


def report(rows: list[dict], plan: AnalysisPlan = PLAN, **options: Any) -> dict[str, Any]:
    result = build(rows, plan, **options)
    json.dumps(result, allow_nan=False)
    return result


def column(result: dict[str, Any], name: str) -> dict[str, Any]:
    return next(c for c in result["columns"] if c["column"] == name)


def test_no_data_at_all() -> None:
    result = report([])
    for c in result["columns"]:
        assert (c["faith"]["n"], c["faith"]["percent"], c["faith"]["ci"]) == (0, None, None)
        assert (c["index"]["n"], c["index"]["mean"], c["index"]["text"]) == (0, None, None)
        assert c["faith"]["ci_reason"]
    assert result["comparisons"]["faith"]["rows"] == []
    assert "no answers" in result["comparisons"]["faith"]["reason"]


def test_one_participant_has_estimates_without_intervals(made_up) -> None:
    c = column(report(made_up(participants=1)), "B")
    assert c["faith"]["percent"] is not None and c["faith"]["ci"] is None
    assert "2 participants" in c["faith"]["ci_reason"]
    assert c["index"]["mean"] is not None and c["index"]["ci"] is None


@pytest.mark.parametrize("right", [0, 1])
def test_all_or_none_correct(made_up, right: int) -> None:
    result = report([r | {"correct": right} if r["task"] == "matching" else r for r in made_up()])
    c = column(result, "B")
    assert c["faith"]["percent"] == 100 * right
    low, high = c["faith"]["ci"]
    assert (low == 0 and high > 10) if right == 0 else (high == 100 and low < 90)
    assert "100 %" in result["models"]["faith"]["reason"]
    assert c["faith"]["vs_reference"]["p_holm"] is None  # nothing varies
    if right == 0:
        assert c["faith"]["vs_reference"]["ratio"] is None


def test_all_the_same_rating(made_up) -> None:
    rows = [r | {"rating": 0} if r["task"] == "rating" else r for r in made_up()]
    result = report(rows, replace(PLAN, rules=QualityRules(straight_lining=False)))
    c = column(result, "B")
    assert (c["index"]["mean"], c["index"]["ci"]) == (0, None)
    assert "no variation" in c["index"]["ci_reason"]
    assert c["index"]["vs_reference"]["ratio"] is None
    assert agreement(result, "index", "ordinal_alpha")["value"] is None
    assert "same" in result["models"]["index"]["reason"]


def test_straight_liners_all_round_leave_an_empty_table_with_the_reason(made_up) -> None:
    result = report([r | {"rating": 3} if r["task"] == "rating" else r for r in made_up()])
    assert result["flow"]["excluded"] == {"straight_lining": 8}
    assert column(result, "A")["index"]["n"] == 0
    assert result["before_exclusion"][0]["index"]["n"] == 24


def test_one_column_only(made_up) -> None:
    result = report(made_up(columns=("A",)), AnalysisPlan(reference="A", resamples=199))
    assert [c["column"] for c in result["columns"]] == ["A"]
    assert result["comparisons"]["faith"]["rows"] == []


def test_the_reference_column_is_missing(made_up) -> None:
    result = report(made_up(), AnalysisPlan(reference="Grad-CAMs", resamples=199))
    assert "'Grad-CAMs' has no answers" in result["comparisons"]["index"]["reason"]
    assert column(result, "A")["faith"]["n"] == 24


def test_missing_cells_are_used_and_dropped_pairs_counted(made_up) -> None:
    rows = [r for r in made_up() if not (r["participant"] in ("p0001", "p0002") and r["column"] == "B")]
    comparison = column(report(rows), "B")["index"]["vs_reference"]
    assert (comparison["paired_participants"], comparison["dropped_participants"]) == (6, 2)
    assert column(report(rows), "B")["index"]["n"] == 18


def test_matching_only_and_rating_only(made_up) -> None:
    for task, other in (("matching", "index"), ("rating", "faith")):
        c = column(report([r for r in made_up() if r["task"] == task]), "B")
        assert c[other]["n"] == 0 and c[other]["ci"] is None


def test_timeouts_are_missing_and_stand_as_wrong_beside(made_up) -> None:
    rows = made_up()
    first = next(
        k for k, r in enumerate(rows) if r["task"] == "matching" and r["column"] == "A" and r["correct"] == 1
    )
    rows[first] = rows[first] | {
        "choice": "",
        "correct": "",
        "class_correct": "",
        "missing_reason": "timeout",
    }
    faith = column(report(rows), "A")["faith"]
    assert (faith["n"], faith["timeouts"], faith["timeouts_as_wrong"]["n"]) == (23, 1, 24)
    assert faith["timeouts_as_wrong"]["percent"] == pytest.approx(100 * faith["correct"] / 24)


def test_cant_tell_counts_as_wrong(made_up) -> None:
    gave_up = {"choice": "cant_tell", "correct": 0, "class_correct": 0}
    rows = [r | gave_up if r["task"] == "matching" else r for r in made_up()]
    faith = column(report(rows), "A")["faith"]
    assert (faith["cant_tell"], faith["correct"], faith["n"]) == (24, 0, 24)


def test_the_headline_of_the_plan_decides_what_is_right(made_up) -> None:
    rows = [r | {"class_correct": 1} if r["task"] == "matching" else r for r in made_up()]
    by_class = report(
        rows, AnalysisPlan(columns=("A",), reference="A", second_scores=("matching",), resamples=199)
    )
    assert column(by_class, "A")["faith"]["percent"] == 100
    assert column(report(rows), "A")["faith"]["percent"] < 100
    assert column(report(rows), "A")["faith"]["class"]["percent"] == 100


def test_the_multiverse_keeps_both_scorings_whatever_the_headline(made_up) -> None:
    rows = [r | {"class_correct": 1} if r["task"] == "matching" else r for r in made_up()]
    plan = replace(PLAN, second_scores=("matching",))
    shown = {
        r["scoring"]: r["values"]["A"]
        for r in report(rows, plan)["multiverse"]["rows"]
        if r["outcome"] == "faith"
    }
    assert shown["class"] == 100 > shown["source image"]


def test_faith_beyond_edges_subtracts_the_control(made_up) -> None:
    plan = AnalysisPlan(
        columns=("A", "B", "C"), reference="A", controls=("C",), edges_control="C", resamples=199
    )
    result = report(made_up(participants=20), plan)
    gain = next(row for row in section(result, "beyond_edges") if row["column"] == "B")
    percent = {c["column"]: c["faith"]["percent"] for c in result["columns"]}
    assert gain["difference_percent"] == pytest.approx(percent["B"] - percent["C"])
    assert [row["column"] for row in result["comparisons"]["faith"]["rows"]] == [
        "B"
    ]  # controls outside the family


def test_variants_are_shown_and_reweighted_when_unequal(made_up) -> None:
    rows = [r | {"base": "x" if int(r["participant"][1:]) < 3 else "y"} for r in made_up()]
    c = column(report(rows), "A")
    assert [v["base"] for v in c["bases"]] == ["x", "y"]
    means = [v["index"]["mean"] for v in c["bases"]]
    assert c["index"]["equal_weight_mean"] == pytest.approx(sum(means) / 2)


def test_the_report_does_not_depend_on_the_order_of_the_rows(made_up) -> None:
    rows = made_up()
    shuffled = rows[:]
    random.Random(5).shuffle(shuffled)
    assert json.dumps(report(rows)) == json.dumps(report(shuffled))


def test_a_rating_off_the_scale_is_refused() -> None:
    row = {"participant": "p", "task": "rating", "column": "A", "stimulus": "x", "rating": 7}
    with pytest.raises(ValueError, match="between 0 and 6"):
        report([row])


ANY_ROW = st.fixed_dictionaries(
    {
        "participant": st.sampled_from("pqrs"), "task": st.sampled_from(["matching", "rating"]),
        "column": st.sampled_from(["A", "B", "D", ""]), "stimulus": st.sampled_from("abcd"),
        "pool": st.sampled_from(["", "a", "a|b", "a|b|c|d", "d|c|b|a"]),
        "choice": st.sampled_from(["a", "b", "cant_tell", ""]),
        "correct": st.sampled_from([0, 1, ""]), "class_correct": st.sampled_from([0, 1, ""]),
        "rating": st.sampled_from([0, 3, 6, ""]), "rt_ms": st.sampled_from(["", 0, 100, 2000, 10**7]),
        "position": st.sampled_from([1, 2, 3, ""]), "seen": st.sampled_from(["yes", "no", "unknown", ""]),
        "attention_check": st.sampled_from([0, 0, 0, 1, "failed"]), "excluded": st.sampled_from([0, 0, 1]),
        "exclusion_reason": st.sampled_from(["", "bot", "late"]), "block": st.sampled_from(["", "practice"]),
        "base": st.sampled_from(["", "cam", "gradcam"]), "missing_reason": st.sampled_from(["", "timeout", "skipped"]),
    }
)  # fmt: skip


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(ANY_ROW, max_size=40))
def test_whatever_the_rows_the_report_is_json_and_claims_no_more_than_it_has(rows: list[dict]) -> None:
    result = report(rows, replace(PLAN, controls=("D",), edges_control="D", resamples=99))
    for c in result["columns"]:
        for outcome, value in (("faith", "percent"), ("index", "mean")):
            own = c[outcome]
            assert (own[value] is None) == (own["n"] == 0)
            assert (own["ci"] is None) == (own["ci_reason"] is not None)
            if own["ci"] is not None:
                assert own["ci"][0] <= own[value] <= own["ci"][1] and own["participants"] >= 2


def test_progress_runs_from_nothing_to_done(made_up) -> None:
    calls: list[tuple[float, str]] = []
    report(made_up(), progress=lambda fraction, label: calls.append((fraction, label)))
    assert calls[0][0] == 0 and calls[-1] == (1.0, "done")
    assert [f for f, _ in calls] == sorted(f for f, _ in calls)


def test_the_multiverse_holds_the_headline_and_its_neighbours(made_up) -> None:
    result = report(made_up())
    rows = result["multiverse"]["rows"]
    headline = ("faith", "all rules", "source image", "pooled")
    same = next(r for r in rows if (r["outcome"], r["exclusion"], r["scoring"], r["statistic"]) == headline)
    assert same["values"]["A"] == pytest.approx(column(result, "A")["faith"]["percent"])
    low, high = result["multiverse"]["spread"]["index"]["A"]
    assert low <= column(result, "A")["index"]["mean"] <= high


def test_people_and_machines_are_correlated_over_maps(made_up) -> None:
    rows = [r | {"map_sha256": f"{r['column']}-{r['stimulus']}"} for r in made_up()]
    trials = load(rows).of_task("rating")
    means: dict[str, list[float]] = {}
    for label, value in zip(trials.map_id.codes, trials.value, strict=True):
        means.setdefault(trials.map_id.labels[label], []).append(value)
    maps = [{"map_sha256": k, "column": k[0], "confidence": sum(v) / len(v) / 10} for k, v in means.items()]
    found = report(rows, maps=maps)["human_machine"]
    perfect = next(r for r in found if (r["human"], r["machine"]) == ("index", "confidence"))
    assert perfect["rho"] == pytest.approx(1) and perfect["n"] == len(maps)
    assert next(r for r in found if r["machine"] == "right_class")["rho"] is None


def test_thousands_of_participants_are_fine(made_up) -> None:
    plan = replace(PLAN, model_rows_max=4000)
    result = report(made_up(participants=2500, columns=("A", "B"), trials=1), plan)
    assert column(result, "A")["faith"]["n"] == 2500
    assert "left out above 4000" in result["models"]["index"]["reason"]


@pytest.mark.parametrize("name", ["tab\there", "new\nline", 'quote"', "\\", "\x1f", ""])
def test_any_label_of_a_column_gets_through(made_up, name: str) -> None:
    rows = [r | {"column": name} if r["column"] == "B" else r for r in made_up()]
    result = report([r | {"method": "a\tb"} for r in rows if r["column"]])
    if name:
        assert column(result, name)["variants"][0]["method"] == "a\tb"


def test_differences_of_shares_end_at_one(made_up) -> None:
    rows = [r | {"correct": int(r["column"] == "B")} for r in made_up(participants=3, trials=1)]
    for r in rows[:2]:
        r["correct"] = 1 - r["correct"]
    for row in report(rows)["comparisons"]["faith"]["rows"]:
        if row["difference_ci"]:
            assert -1 <= row["difference_ci"][0] <= row["difference_ci"][1] <= 1


def test_one_participant_has_no_p_value(made_up) -> None:
    result = report(made_up(participants=1))
    for family in result["comparisons"].values():
        for row in family["rows"]:
            assert set(row["p"].values()) == {None} and row["p_holm"] is None
            assert row["reason"] and row["sign_flip_reason"]
            assert row.get("wilcoxon_p") is None
    assert all(c["faith"]["chance"]["p"] is None for c in result["columns"])


def test_people_who_saw_one_column_each_are_compared_and_the_missing_pairs_said(made_up) -> None:
    rows = [
        r
        for r in made_up(participants=24, trials=1)
        if int(r["participant"][1:]) % 3 == "ABC".index(r["column"])
    ]
    row = report(rows)["comparisons"]["index"]["rows"][0]
    assert row["p"]["two_way_t"] is not None and row["p"]["sign_flip"] is None
    assert "fewer than 2 participants answered in both" in row["sign_flip_reason"]
