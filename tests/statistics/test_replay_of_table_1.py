"""The replay leads to the paper's Table 1, to every printed digit, and keeps the design's promises."""

import json
from collections import Counter
from collections.abc import Callable
from itertools import product

import pytest

from fixtures import replay
from survey_site.statistics import data
from survey_site.statistics.plan import AnalysisPlan, QualityRules
from survey_site.statistics.published import PARTICIPANTS, TABLE_1
from tests.statistics.two_tasks import agreement, build_report

ROWS = replay.responses()
MATCHING = [r for r in ROWS if r["task"] == "matching"]
RATING = [r for r in ROWS if r["task"] == "rating"]


@pytest.fixture(scope="module")
def report(replayed: data.Trials, replay_plan: AnalysisPlan) -> dict:
    return build_report(replayed, replay_plan, study=replay.SLUG, participants=replay.participants())


def test_all_twelve_values_come_out_as_printed(report: dict) -> None:
    printed = [(c["column"], c["faith"]["text"], c["index"]["text"]) for c in report["columns"]]
    assert printed == [tuple(row) for row in TABLE_1]


def test_the_golden_intervals_and_agreement_come_out(report: dict) -> None:
    columns = {c["column"]: c for c in report["columns"]}
    ours = columns["Ours 1"]["index"]["vs_reference"]
    assert round(ours["ratio"], 2) == 3.97
    assert [round(x, 2) for x in ours["ratio_ci"]] == [3.22, 4.89]
    faith = columns["Grad-CAMs"]["faith"]
    assert [round(x, 1) for x in faith["ci"]] == [25.2, 71.6]
    assert faith["ci_df"] == 5
    assert round(agreement(report, "index", "ordinal_alpha")["value"], 4) == 0.3461


def test_ratios_to_the_grad_cams_are_those_of_the_paper(report: dict) -> None:
    rows = report["comparisons"]
    assert [f"{r['ratio']:.2f}" for r in rows["index"]["rows"]] == ["3.97", "3.56", "3.40", "3.18", "3.24"]
    assert [f"{r['ratio']:.2f}" for r in rows["faith"]["rows"]] == ["2.00", "1.92", "1.92", "1.67", "1.58"]
    shifted = [r["ratio_from_one"] for r in rows["index"]["rows"]]
    assert (f"{min(shifted):.1f}", f"{max(shifted):.1f}") == ("2.1", "2.5")


def test_both_outcomes_are_tested_by_the_two_way_t_and_few_pools_are_said(report: dict) -> None:
    assert {report["comparisons"][key]["primary_test"] for key in ("faith", "index")} == {"two_way_t"}
    assert "Few pools or images (6," in report["comparisons"]["faith"]["caution"]
    assert report["comparisons"]["index"]["caution"] is None


def test_every_participant_answers_6_matching_and_24_rating_trials() -> None:
    assert {Counter(r["participant"] for r in MATCHING)[p["participant"]] for p in replay.participants()} == {
        6
    }
    assert {Counter(r["participant"] for r in RATING)[p["participant"]] for p in replay.participants()} == {
        24
    }
    assert len(replay.participants()) == PARTICIPANTS


def test_nothing_is_shown_twice_to_a_participant() -> None:
    for rows, key in ((MATCHING, "pool"), (RATING, "stimulus")):
        shown = Counter((r["participant"], frozenset(r[key].split("|"))) for r in rows)
        assert set(shown.values()) == {1}
    numbers = Counter((r["participant"], r["trial"]) for r in ROWS)
    assert set(numbers.values()) == {1}
    assert {number for _, number in numbers} == set(range(1, 31))
    assert {r["position"] for r in MATCHING} == set(range(1, 7))
    assert {r["position"] for r in RATING} == set(range(1, 25))


def shown_item(row: dict) -> frozenset[str]:
    return frozenset((row["pool"] or row["stimulus"]).split("|"))


@pytest.mark.parametrize("rows", [MATCHING, RATING], ids=["matching", "rating"])
@pytest.mark.parametrize("key", [shown_item, lambda row: row["position"]], ids=["image", "position"])
def test_images_and_positions_are_balanced_over_columns(
    rows: list[dict], key: Callable[[dict], object]
) -> None:
    cells = Counter((key(r), r["column"]) for r in rows)
    items = {item for item, _ in cells}
    assert {cells[cell] for cell in product(items, replay.COLUMNS)} == {4, 5}


def test_variants_of_the_grad_cams_column_are_balanced() -> None:
    for rows, counts in ((MATCHING, [8, 8, 9]), (RATING, [33, 33, 34])):
        assert sorted(Counter(r["base"] for r in rows if r["column"] == "Grad-CAMs").values()) == counts


def test_ratings_stay_on_the_scale_and_vary() -> None:
    assert {r["rating"] for r in RATING} == set(range(7))
    assert {type(r["rating"]) for r in RATING} == {int}


def test_nothing_is_invented_beyond_the_answers() -> None:
    for row in ROWS:
        assert row["rt_ms"] == row["shown_at"] == row["answered_at"] == row["map_sha256"] == ""
        assert row["classifier"] == ""
        assert (row["base"] == "") == (row["column"] != "Grad-CAMs")


def test_the_answer_agrees_with_the_images_of_the_pool() -> None:
    for row in MATCHING:
        shown = row["pool"].split("|")
        assert row["stimulus"] in shown and row["choice"] in shown
        assert shown[row["pool_position"] - 1] == row["stimulus"]
        assert row["correct"] == (row["choice"] == row["stimulus"])


def test_the_shown_order_trips_no_exclusion_rule(replayed: data.Trials, report: dict) -> None:
    assert AnalysisPlan().rules != QualityRules.off()
    assert set(report["quality"]["rules"].values()) == {0}
    assert report["flow"]["analysed"] == 25


def test_the_replay_is_the_same_every_time() -> None:
    assert json.dumps(replay.responses()) == json.dumps(ROWS)
