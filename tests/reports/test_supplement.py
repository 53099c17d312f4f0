"""The text pages of the PDF print numbers as the page does, and the plan in words."""

from typing import Any

import pytest

from survey_site.reports.plan_words import plan_lines
from survey_site.statistics.plan import AnalysisPlan

supplement = pytest.importorskip("survey_site.reports.supplement", reason="needs the extra 'reports'")


def report(rows: list[dict[str, Any]]) -> dict[str, Any]:
    outcomes = [
        {"key": "faith", "title": "Human Faith", "kind": "share", "factor": 100, "places": 1},
        {"key": "index", "title": "Index", "kind": "mean", "factor": 1, "places": 2},
    ]
    family = {"label": "two-way t", "rows": rows}
    return {
        "outcomes": outcomes,
        "comparisons": {"faith": family, "index": {"rows": [], "reason": "no answers"}},
    }


def test_a_small_p_is_no_zero_and_a_share_is_in_points() -> None:
    row = {
        "column": "Ours 1", "ratio": 2.0, "ratio_ci": [1.5, 2.5], "difference": 0.48, "difference_ci": [0.25, 0.71],
        "p_holm": 0.00002,
    }  # fmt: skip
    lines = supplement.comparison_lines(report([row]))
    told = next(line for line in lines if "Ours 1" in line)
    assert told.split() == ["Ours", "1", "2.00", "1.50", "to", "2.50", "48", "25", "to", "71", "<", ".001"]
    assert "diff., points" in lines[1]
    assert "Index: no answers" in lines


def test_a_column_without_answers_has_dashes() -> None:
    (told,) = [
        line
        for line in supplement.comparison_lines(
            report([{"column": "Empty", "reason": "no answers", "p": {}}])
        )
        if "Empty" in line
    ]
    assert told.split() == ["Empty", "–", "–", "–", "–", "–"]


def test_the_plan_is_in_words() -> None:
    lines = plan_lines(
        {
            "alpha": 0.05,
            "drop_unknown": False,
            "columns": ["Grad-CAMs", "Ours 1"],
            "margins": {"faith": None},
            "rules": [],
        }
    )
    assert lines == [
        "alpha: 0.05", "drop unknown: no", "columns: Grad-CAMs, Ours 1", "margins:", "  faith: none", "rules: none",
    ]  # fmt: skip


def test_every_decision_of_a_real_plan_has_its_line() -> None:
    plan = AnalysisPlan(columns=("Grad-CAMs", "Ours 1")).to_mapping()
    lines = plan_lines(plan)
    for name in plan:
        assert any(line.startswith(f"{name.replace('_', ' ')}:") for line in lines)
    assert not [line for line in lines if any(sign in line for sign in '{}[]"')]
    assert max(map(len, lines)) <= supplement.WIDTH


@pytest.mark.parametrize(("columns", "outcomes"), [(1, 1), (6, 2), (13, 5), (40, 2)])
def test_every_column_has_its_place_on_a_page(columns: int, outcomes: int) -> None:
    cell = {"text": "1", "ci": [0.1, 0.2], "n": 3}
    told = [
        {"key": f"o{k}", "heading": f"Outcome {k}", "title": "", "interval_places": 1}
        for k in range(outcomes)
    ]
    names = [f"Column {k}" for k in range(columns)]
    report = {
        "title": "t", "study": "s", "protocol_version": 1, "protocol_hash": "a", "measurement_hash": "b",
        "versions_note": "",
        "banner": None, "facts": [], "software": {}, "population": {"participants": 1}, "outcomes": told,
        "columns": [{"column": name, "paper": None, **{o["key"]: cell for o in told}} for name in names],
    }  # fmt: skip
    drawn = []
    for page in supplement.table_pages(report):
        free = 1.0
        for axis in (axis for axis in page.axes if axis.tables):
            box = axis.get_position()
            assert box.y0 >= 0.04 and box.y1 <= free, "inside the page, below the table before"
            free = box.y0
            (table,) = axis.tables
            drawn += [
                found.get_text().get_text()
                for (row, place), found in table.get_celld().items()
                if not row and place
            ]
    assert drawn == names
