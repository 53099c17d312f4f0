"""The report's tables of people beside synthetic observers, as text from what the statistics found. Standard library."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from saliency_worker.observer_kinds import EDGE, name
from survey_site.statistics.printing import interval, interval_name, p_value, places
from survey_site.statistics.report_types import Section

WARN_ABOVE = 95.0
Columns = Sequence[Mapping[str, Any]]


def sections(task: str, key: str, columns: Columns, level: float) -> Iterator[Section]:
    """Their accuracies, what people know beyond the edge observer, and the agreement of errors; none without observers."""
    found = {own["column"]: own[key].get("observers", {}) for own in columns}
    order = list(dict.fromkeys(observer for own in found.values() for observer in own))
    if not order:
        return
    yield {
        "key": "observers",
        "task": task,
        "title": "Synthetic observers",
        "lead": "What programs that know neither the classifier nor the method choose in the same trials, by the pictures "
        "as served: share right, %, with the interval of people. Where one is right as often as people, matching may ask "
        "for nothing else.",
        "headings": ["Column", *map(name, order)],
        "rows": [[column, *(_accuracy(own.get(one)) for one in order)] for column, own in found.items()],
        "data": {column: {one: own[one]["accuracy"] for one in own} for column, own in found.items()},
    }
    if any(EDGE in own for own in found.values()):
        yield _beyond_edge(task, found, level)
    yield {
        "key": "observer_errors",
        "task": task,
        "title": "Errors that people share with observers",
        "lead": "Error consistency, Cohen's κ of right and wrong trial by trial (Geirhos et al. 2020): 0 where people and "
        "observer err independently, 1 where always together. Behind it: of the trials that both answer wrongly, share "
        "with the same image.",
        "headings": ["Column", *map(name, order)],
        "rows": [[column, *(_shared(own.get(one)) for one in order)] for column, own in found.items()],
        "data": {column: {one: own[one]["agreement"] for one in own} for column, own in found.items()},
    }


def _beyond_edge(task: str, found: Mapping[str, Mapping[str, Any]], level: float) -> Section:
    own = {column: observers[EDGE]["beyond"] for column, observers in found.items() if EDGE in observers}
    return {
        "key": "beyond_edge_observer",
        "task": task,
        "title": "Faith beyond the edge observer",
        "lead": "People minus the edge observer on the same trials, in points: what people know that a comparison of drawn "
        "edges does not.",
        "headings": ["Column", "trials", "difference, points", interval_name(level), "p"],
        "rows": [
            [
                column,
                str(one["n"]),
                places(one["difference_percent"], 0),
                interval(one["ci"], 0),
                p_value(one["p"]),
            ]
            for column, one in own.items()
        ],
        "data": own,
    }


def _accuracy(own: Mapping[str, Any] | None) -> str:
    if own is None or own["accuracy"]["text"] is None:
        return "–"
    return f"{own['accuracy']['text']} [{interval(own['accuracy']['ci'], 0)}]"


def _shared(own: Mapping[str, Any] | None) -> str:
    if own is None or own["agreement"]["kappa"] is None:
        return "–"
    found = own["agreement"]
    same = "" if found["same"] is None else f"; {places(100 * found['same'], 0)} % of {found['both_wrong']}"
    return f"{places(found['kappa'], 2)} [{interval(found['ci'], 2)}]{same}"


def notes(key: str, columns: Columns) -> list[str]:
    """What must stand under Table 1: columns that a program solves as well."""
    solved = [
        f"{own['column']} ({name(observer)}, {found['accuracy']['text']} %)"
        for own in columns
        for observer, found in own[key].get("observers", {}).items()
        if (found["accuracy"]["percent"] or 0) > WARN_ABOVE
    ]
    if not solved:
        return []
    return [
        "A program that knows neither classifier nor method solves the matching of "
        f"{'; '.join(solved)}: Human Faith there need not mean that the explanation is understood."
    ]
