"""The stopping rule as a plan seals it: nonsense is refused by name, and a design must be able to have it."""

from typing import Any

import pytest

from survey_site.statistics.plan import AnalysisPlan
from survey_site.statistics.stopping import StoppingRule, design_problems

GOOD: dict[str, Any] = {"outcome": "faith", "looks": [12, 24], "column": None, "spending": "pocock"}
DESIGN: dict[str, Any] = {
    "outcomes": ["faith", "index"], "columns": ["Ref", "A", "Edges"], "reference": "Ref", "controls": ["Edges"],
    "target": 24,
}  # fmt: skip


def test_a_rule_survives_the_plan_s_json() -> None:
    plan = AnalysisPlan.from_mapping({"stopping": GOOD})
    assert plan.stopping == StoppingRule("faith", (12, 24), None, "pocock")
    assert AnalysisPlan.from_mapping(plan.to_mapping()) == plan
    assert plan.to_mapping()["stopping"] == GOOD


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"looks": [24]}, "two to 10 looks"),
        ({"looks": []}, "two to 10 looks"),
        ({"looks": list(range(3, 15))}, "two to 10 looks"),
        ({"looks": [24, 12]}, "more participants than the one before"),
        ({"looks": [12, 12]}, "more participants than the one before"),
        ({"looks": [0, 12]}, "after 3 participants at least"),
        ({"looks": [-3, 12]}, "after 3 participants at least"),
        ({"looks": [12.5, 24]}, "whole numbers"),
        ({"looks": [True, 24]}, "whole numbers"),
        ({"looks": "12, 24"}, "whole numbers"),
        ({"looks": None}, "whole numbers"),
        ({"spending": "haybittle"}, "obrien_fleming or pocock"),
        ({"outcome": ""}, "needs an outcome"),
        ({"outcome": 3}, "needs an outcome"),
        ({"column": ""}, "a name, or null"),
        ({"often": 1}, "unknown settings of the stopping rule: often"),
    ],
)
def test_nonsense_is_refused_by_name(change: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        AnalysisPlan.from_mapping({"stopping": GOOD | change})


@pytest.mark.parametrize("rule", [[], "daily", 3, {"outcome": "faith"}, {"looks": [3, 4]}])
def test_what_is_no_rule_is_refused(rule: Any) -> None:
    with pytest.raises(ValueError, match="stopping rule"):
        AnalysisPlan.from_mapping({"stopping": rule})


@pytest.mark.parametrize("families", ["all", "", None])
def test_unknown_families_are_refused(families: Any) -> None:
    with pytest.raises(ValueError, match="families are by_measure or together"):
        AnalysisPlan.from_mapping({"families": families})


def test_a_rule_is_about_one_measure() -> None:
    with pytest.raises(ValueError, match="families must be by_measure"):
        AnalysisPlan.from_mapping({"families": "together", "stopping": GOOD})


@pytest.mark.parametrize(
    ("rule", "design", "setting"),
    [
        ({}, {}, None),
        ({"column": "A"}, {}, None),
        ({"outcome": "speed"}, {}, "outcome"),
        ({"column": "Ref"}, {}, "column"),
        ({"column": "Edges"}, {}, "column"),
        ({"column": "a\t“b”"}, {}, "column"),
        ({}, {"columns": ["Ref", "Edges"]}, "column"),
        ({}, {"target": 30}, "looks"),
        ({}, {"outcomes": []}, "outcome"),
    ],
)
def test_a_design_must_be_able_to_have_it(
    rule: dict[str, Any], design: dict[str, Any], setting: str | None
) -> None:
    found = design_problems(StoppingRule.from_mapping(GOOD | rule), **(DESIGN | design))
    assert [name for name, _told in found] == ([setting] if setting else [])
