"""What a sealed design and plan say: sentences that methods and preregistration share, and the plan line by line."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from survey_site.reports.markdown import plain
from survey_site.statistics.plan import TOGETHER, AnalysisPlan, QualityRules
from survey_site.tasks import registry
from survey_site.tasks.contract import Task
from survey_site.tasks.settings import TRIALS

Document = Mapping[str, Any]
SIGN_WORDS = {
    "webdriver": "a browser that a program steers",
    "untrusted": "clicks that no person made",
    "no_action": "no action before the answer",
    "impossible_time": "impossible times",
    "hidden": "the page hidden",
    "pasted": "pasted text",
    "small_pictures": "small pictures",
    "out_of_view": "pictures out of view",
}
WIDTH = 96  # characters of a line


def listed(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else "none"


def number(count: int, one: str, many: str = "") -> str:
    """`no image`, `1 image`, `2 images`."""
    return f"{count or 'no'} {one if count == 1 else many or one + 's'}"


def columns_of(document: Document) -> list[str]:
    """The columns that the design has, in their order; a plan may name others."""
    return list(dict.fromkeys(condition["column"] for condition in document["conditions"]))


def tasks_of(document: Document) -> list[tuple[Task, Mapping[str, Any]]]:
    """The installed tasks that the document gives trials, with all their settings."""
    return [
        (task, task.effective(document["tasks"][task.name])) for task in registry.known(document["tasks"])
    ]


def measure(task: Task, settings: Mapping[str, Any]) -> str:
    """`matching (Human Faith, 4 trials for each kind of map)`."""
    trials = number(settings[TRIALS], "trial")
    return f"{task.title.lower()} ({task.outcome.title}, {trials} for each kind of map)"


def assignment(document: Document, *, past: bool) -> str:
    """How kinds of maps meet images, and what of it a trial shows together."""
    both = [task.title.lower() for task, _ in tasks_of(document) if task.further_score is not None]
    told = (
        f"Kinds of maps {'were' if past else 'are'} assigned to images by a cyclic Latin square, so that within a task "
        f"nobody {'met' if past else 'meets'} an image twice"
    )
    if both:
        return f"{told}; a trial of {listed(both)} {'set' if past else 'sets'} two kinds against each other on one image."
    return f"{told}."


def tests(plan: AnalysisPlan, *, past: bool) -> str:
    """The confirmatory tests, their family, controls and margins."""
    be, are = ("was", "were") if past else ("is", "are")
    margins = "; ".join(f"{margin:g} in {unit_of(key)}" for key, margin in plan.margins.items())
    controls = listed([plain(name) for name in plan.controls])
    return (
        f"Every kind of map {be} compared with {plain(plan.reference)} by two-way clustered t-tests, which take "
        "participants and images as samples (Cameron, Gelbach, & Miller, 2011), two-sided at "
        f"α = {bare(plan.alpha)}, with Holm's correction over {family(plan)}."
        + (
            f" {controls[:1].upper()}{controls[1:]} {f'{be} a control' if len(plan.controls) == 1 else f'{are} controls'} "
            "outside of these tests."
            if plan.controls
            else ""
        )
        + (
            f" Equivalence to {plain(plan.reference)}, and not being inferior to it, {are} tested by two one-sided tests "
            f"against margins fixed beforehand: {margins}."
            if margins
            else ""
        )
    )


def title_of(outcome: str) -> str:
    """The measure's title; its key where no installed task has it."""
    return next((t.outcome.title for t in registry.installed() if t.outcome.key == outcome), outcome)


def unit_of(outcome: str) -> str:
    """The measure's title with the unit of a difference; its key where no installed task has it."""
    known = {task.outcome.key: task.outcome for task in registry.installed()}
    if outcome not in known:
        return plain(outcome)
    unit = "percentage points" if known[outcome].kind == "share" else "scale points"
    return f"{known[outcome].title} ({unit})"


def family(plan: AnalysisPlan) -> str:
    """What Holm corrects together."""
    return (
        "the comparisons of all measures" if plan.families == TOGETHER else "the comparisons of each measure"
    )


def exclusion(rules: QualityRules) -> str:
    """Who is left out by the declared rules; `none` without any."""
    low, high = rules.rt_min_ms, rules.rt_max_ms
    times = listed(
        [
            *([f"faster than {low / 1000:g} s"] if low else []),
            *([f"slower than {high / 1000:g} s"] if high is not None else []),
        ]
    ).replace(" and ", " or ")
    found = [
        (rules.failed_checks, f"{rules.failed_checks} or more failed attention checks"),
        (
            rules.flagged_share is not None and times != "none",
            f"more than {100 * (rules.flagged_share or 0):g} % of the answers {times}",
        ),
        (rules.straight_lining, "the same score throughout"),
        (
            rules.position_alpha,
            f"one answer position chosen so often that guessing would do so with *p* < {bare(rules.position_alpha)}",
        ),
        (
            rules.signs,
            f"signs of a program or of pictures not well seen in more than {100 * rules.signs_share:g} % of the trials "
            f"({listed([SIGN_WORDS[sign] for sign in rules.signs])})",
        ),
    ]
    return "; ".join(text for value, text in found if value) or "none"


def bare(value: float | None) -> str:
    """A probability without a zero before its point."""
    return f"{value or 0:.2g}".removeprefix("0")


def plan_lines(plan: Mapping[str, Any], indent: str = "") -> list[str]:
    """A plan in words: one line for each decision, lists with commas, what belongs together indented."""
    lines: list[str] = []
    for name, value in plan.items():
        label = f"{indent}{name.replace('_', ' ')}:"
        if isinstance(value, Mapping) and value:
            lines += [label, *plan_lines(value, f"{indent}  ")]
        elif isinstance(value, list | tuple) and any(isinstance(one, Mapping) for one in value):
            lines.append(label)
            for number, one in enumerate(value, 1):
                lines += [f"{indent}  {number}.", *plan_lines(one, f"{indent}     ")]
        else:
            lines += textwrap.wrap(f"{label} {_in_words(value)}", WIDTH, subsequent_indent=f"{indent}    ")
    return lines


def _in_words(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_in_words, value)) or "none"
    if value is None or value == "" or value == {}:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
