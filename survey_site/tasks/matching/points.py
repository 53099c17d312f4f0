"""Human Faith % of a column from its counts: what the page, the command and the files print. Standard library."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from saliency_worker.observer_kinds import KINDS, ObserverKind
from survey_site.statistics.published import TABLE_1
from survey_site.tasks.cells import share, share_cell
from survey_site.tasks.contract import Counts, Fact, TableRow
from survey_site.tasks.settings import Settings

PUBLISHED = {row.column: row.faith for row in TABLE_1}


def cell(counts: Counts, settings: Settings) -> dict[str, Any]:
    """Faith with both readings of “right”, and with timeouts as wrong."""
    n, image, of_class = counts.n, int(counts.total), int(counts.second_total)
    correct = of_class if headline(settings) == "class" else image
    return {
        **share_cell(replace(counts, total=correct)),
        "image": _reading(image, n),
        "class": _reading(of_class, n),
        "cant_tell": counts.declined,
        "timeouts_as_wrong": _without(share(correct, n + counts.timeouts), "correct"),
    }


def _reading(correct: int, n: int) -> dict[str, Any]:
    return _without(share(correct, n), "n")


def _without(found: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in found.items() if name != key}


def facts(settings: Settings) -> tuple[Fact, ...]:
    """The size of the pools, and which answer is right: `image` or `class`."""
    found = Fact("pool_size", settings["pool_size"], "Pool size"), Fact("headline", headline(settings))
    return (*found, Fact("another_exemplar", "yes", "Another exemplar")) if exemplar(settings) else found


def exemplar(settings: Settings) -> bool:
    """Whether pools show another image of the source's class and never the source."""
    return bool(settings.get("another_exemplar"))


def headline(settings: Settings) -> str:
    """What Table 1 counts: the source `image`, or its `class`, all that can be picked where the source is not shown."""
    return "class" if exemplar(settings) else str(settings["headline"])


def caption(settings: Settings) -> str:
    """The sentence above Table 1."""
    chance = f"guessing gives 1 in {settings['pool_size']}"
    if exemplar(settings):
        picked = "the other image of the source's class, whose own photo is never shown"
    elif settings["headline"] == "class":
        picked = "an image of the source's class"
        chance += ", and more where a pool holds further images of that class"
    else:
        picked = "the source image"
    return (
        f"Human Faith %: share of matching answers that picked {picked}; {chance}. "
        "“I can't tell” counts as wrong; a timeout is missing, and is shown as wrong beside it."
    )


def _text(cell: Mapping[str, Any], name: str) -> str:
    return cell[name]["text"] or "–"


def _observer(kind: ObserverKind) -> TableRow:
    """What an observer has on the trials of a column: only where the statistics are computed and it was tried."""

    def text(cell: Mapping[str, Any]) -> str:
        own = cell.get("observers", {}).get(kind.key)
        return "" if own is None else own["accuracy"]["text"] or "–"

    return TableRow(f"observer “{kind.title}”, %", text, optional=True)


ROWS = (
    TableRow("right / answers", lambda cell: f"{cell['correct']} / {cell['n']}"),
    TableRow("right class, %", lambda cell: _text(cell, "class")),
    TableRow("can't tell; timeouts", lambda cell: f"{cell['cant_tell']}; {cell['timeouts']}"),
    TableRow("timeouts as wrong, %", lambda cell: _text(cell, "timeouts_as_wrong")),
    *map(_observer, KINDS),
)
