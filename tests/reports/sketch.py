"""A declaration of which reports alone have need: two maps, and how strongly the first is preferred, 0 to 10.

Everything that the report and the exports ask of a task is its own; the rest is another's.
"""

from dataclasses import replace
from typing import Any

from survey_site.statistics.outcome import Outcome
from survey_site.tasks.cells import mean_cell
from survey_site.tasks.contract import Column, Counts, Fact, TableRow
from survey_site.tasks.rating.task import TASK as OTHER
from survey_site.tasks.settings import TRIALS, Setting, Settings


def cell(counts: Counts, settings: Settings) -> dict[str, Any]:
    """The mean preference, beside how many declined."""
    return mean_cell(counts, places=1) | {"declined": counts.declined}


TASK = replace(
    OTHER,
    name="sketch",
    title="Sketch",
    settings=(Setting(TRIALS, "Trials", "How many.", "whole", 2),),
    outcome=Outcome("preference", "sketch", "Preference", "mean", 0, 10, places=1),
    cell=cell,
    rows=(TableRow("declined", lambda cell: str(cell["declined"])),),
    caption=lambda settings: "Preference: 0–10.",
    facts=lambda settings: (Fact("maps_shown", 2, "Maps shown"), Fact("hidden", "x")),
    further_score=lambda score: 10 - score,
    analysis="",
    published={},
    texts={"en": {"instructions_sketch": "Look.", "begin_sketch": "Now."}},
    columns=(
        Column("remark", "What was written.", "string", "remark"),
        Column("tool", "What was used.", "string", "tool", levels=("pen", "brush")),
        Column("strokes", "How many.", "integer", "n", minimum=0),
        Column("pressure", "How strong.", "number", "force", unit="N"),
        Column("left_handed", "Whether.", "boolean", "left"),
        Column("choice", "Which map.", "string", "map"),
    ),
)
