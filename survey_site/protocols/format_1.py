"""Reads what was sealed or exported in format 1, when a study had two tasks and its own columns for each.

Sealed documents never change, so those of format 1 are read through `document` wherever they come from; `settings`,
`trial` and `response` are for rows of study folders of version 1. Pure functions: nothing given is changed. Nothing
else of the program knows format 1.
"""

from collections.abc import Mapping
from typing import Any

Row = dict[str, Any]

MATCHING, RATING = "matching", "rating"
CANT_TELL = "cant_tell"
# The settings of the two tasks: the present name, the name in format 1, and the default of that time.
SETTINGS: dict[str, tuple[tuple[str, str, Any], ...]] = {
    MATCHING: (
        ("trials_per_column", "matching_trials_per_column", 1),
        ("pool_size", "pool_size", 4),
        ("pool_strategy", "pool_strategy", "random"),
        ("fixed_pools", "fixed_pools", []),
        ("offer_cant_tell", "offer_cant_tell", True),
        ("headline", "headline", "image"),
    ),
    RATING: (("trials_per_column", "rating_trials_per_column", 4),),
}
MOVED = {old for settings in SETTINGS.values() for _new, old, _default in settings}
# Where a document lists the images of a task's trials.
ITEMS = {MATCHING: "pools", RATING: "rating"}
ANSWER = ("choice", "cant_tell", "rating", "correct", "class_correct")


class UnknownFormat(ValueError):
    """A document is of a format that this program does not know; the message says so in one line."""


def document(sealed: Row) -> Row:
    """A sealed document in format 2; one that is in format 2 is given back as it is. Raises UnknownFormat.

    Parts that a document lacks stay away: reconstructions sealed little.
    """
    match sealed.get("format", 1):
        case 2:
            return sealed
        case 1:
            return _translated(sealed)
    raise UnknownFormat(
        f"the document is of format {sealed['format']}; this program reads the formats 1 and 2"
    )


def _translated(sealed: Row) -> Row:
    design = sealed.get("design", {})
    tasks = {name: _task(design, name) for name in SETTINGS}
    if tasks[MATCHING]["pool_strategy"] == "fixed":
        tasks[MATCHING]["fixed_pools"] = [pool["stimuli"] for pool in sealed.get("pools", ())]
    # A task that was left out lists no image, whatever its trials; a thin document has no list at all.
    tasks = {
        name: values
        for name, values in tasks.items()
        if values["trials_per_column"] and (ITEMS[name] not in sealed or sealed[ITEMS[name]])
    }
    items = {
        MATCHING: list(sealed.get("pools", ())),
        RATING: [{"stimuli": [key], "similarity": None} for key in sealed.get("rating", ())],
    }
    return {name: part for name, part in sealed.items() if name not in ITEMS.values()} | {
        "format": 2,
        "design": {name: value for name, value in design.items() if name not in MOVED},
        "tasks": tasks,
        "items": {name: items[name] for name in tasks},
        "analysis_plan": plan(sealed.get("analysis_plan") or {}),
    }


def _task(settings: Mapping[str, Any], name: str) -> Row:
    return {new: settings.get(old, default) for new, old, default in SETTINGS[name]}


def plan(declared: Mapping[str, Any]) -> Row:
    """An analysis plan without the names of tasks.

    `headline` said which answer of a matching trial is right. The ends of the scale of ratings were never other than
    0 and 6, which is now the task's to say.
    """
    kept = {
        name: value
        for name, value in declared.items()
        if name not in ("headline", "rating_min", "rating_max")
    }
    if "headline" in declared:
        kept["second_scores"] = [MATCHING] if declared["headline"] == "class_correct" else []
    return kept


def settings(row: Row) -> Row:
    """The settings of a study, with those of its tasks by task."""
    kept = {name: value for name, value in row.items() if name not in MOVED}
    if "analysis_plan" in kept:
        kept["analysis_plan"] = plan(kept["analysis_plan"])
    return kept | {"task_settings": {name: _task(row, name) for name in SETTINGS}}


def trial(row: Row) -> Row:
    """A trial; its response, if it has one, is still as it was."""
    kept = {name: value for name, value in row.items() if name != "expected_rating"}
    return kept | ({"expected": row["expected_rating"]} if "expected_rating" in row else {})


def response(row: Row, task: str, classes: Mapping[str, str]) -> Row:
    """The response to a trial of this task. classes: by key of an image, for the class of the one that was picked.

    Values that are no answer are handed on for the task to refuse. Raises ValueError where the parts contradict each
    other.
    """
    kept = {name: value for name, value in row.items() if name not in ANSWER}
    given = {
        name
        for name in ("choice", "cant_tell", "rating")
        if row.get(name) is not None and row[name] is not False
    }
    allowed = {MATCHING: {"choice", "cant_tell"}, RATING: {"rating"}}
    if task not in allowed:
        raise ValueError(f"format 1 has no task {task!r}")
    if len(given) + bool(row.get("missing")) != 1 or not given <= allowed[task]:
        said = ", ".join(sorted(given)) or "nothing"
        raise ValueError(
            f"a trial of {task} has one answer or a reason why there is none; this one has {said}"
        )
    if not given:
        return kept | {"declined": False}
    if task == RATING:
        return kept | {"declined": False, "score": row["rating"], "answer": {"rating": row["rating"]}}
    right, right_class = _number(row.get("correct")), _number(row.get("class_correct"))
    choice = CANT_TELL if "cant_tell" in given else row["choice"]
    answer = {
        "choice": choice,
        "choice_class": "" if "cant_tell" in given else classes.get(choice, ""),
        "correct": right,
        "class_correct": right_class,
    }
    return kept | {
        "declined": "cant_tell" in given,
        "score": right,
        "second_score": right_class,
        "answer": answer,
    }


def _number(value: Any) -> Any:
    """1 or 0 for what was a yes or no; anything else as it is, for the task to refuse."""
    return int(value) if isinstance(value, bool) else value
