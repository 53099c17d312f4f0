"""The sealed plan under the headings of the OSF preregistration template, in Markdown."""

from collections.abc import Mapping
from typing import Any

from survey_site.reports.markdown import plain
from survey_site.reports.plan_words import (
    Document,
    assignment,
    bare,
    columns_of,
    exclusion,
    family,
    listed,
    measure,
    number,
    tasks_of,
    tests,
    title_of,
)
from survey_site.statistics.plan import AnalysisPlan
from survey_site.statistics.printing import interval_name
from survey_site.tasks.contract import Task

RECONSTRUCTED = "All of them: this protocol describes results that were published before it was made."
YOURS = "*To be written by the researchers.*"


def preregistration(document: Document, sha256: str, *, reconstruction: bool = False) -> str:
    """What the sealed document says, and where it says nothing that the researchers must write."""
    design, plan = document["design"], AnalysisPlan.from_protocol(document)
    kinds = listed([plain(name) for name in columns_of(document)])
    others = [plain(c) for c in columns_of(document) if c != plan.reference and c not in plan.controls]
    reference, tasks = plain(plan.reference), tasks_of(document)
    differ = f"{'Each of ' if len(others) > 1 else ''}{listed(others)} differs from {reference}"
    captions = [
        task.caption(settings) or f"{task.outcome.title}: the mean of the scores." for task, settings in tasks
    ]
    sections = (
        ("Title", plain(document["study"]["title"])),
        (
            "Description",
            f"How well people understand saliency maps of {number(len(columns_of(document)), 'kind')} ({kinds}), by "
            f"{listed([measure(task, settings) for task, settings in tasks])}.",
        ),
        ("Hypotheses", f"{differ}, for every measure (two-sided)." if others else YOURS),
        ("Study type", "Experiment: every participant judges maps of all kinds (within participants)."),
        (
            "Blinding",
            "Participants are not told which method made a map; addresses of pictures do not tell it either. While the "
            "study collects, its report has letters for the kinds of maps, unless a researcher opens the names, which is "
            "recorded.",
        ),
        (
            "Study design",
            f"Kinds of maps: {kinds}. {assignment(document, past=False)}",
        ),
        (
            "Randomization",
            f"Order and places follow from the seed {design['seed']} and the number of the participant's place.",
        ),
        (
            "Existing data",
            RECONSTRUCTED if reconstruction else "None: the protocol is sealed before the first participant.",
        ),
        (
            "Data collection procedures",
            f"An online study: consent, {number(design['practice_trials'], 'practice trial')} with feedback, then the "
            f"tasks, with {number(design['attention_checks'], 'attention check')} among the trials. Recruitment: {YOURS}",
        ),
        (
            "Sample size",
            f"Participants who finish: {design['target_participants']}"
            + (", unless the study stops before." if plan.stopping else "."),
        ),
        ("Sample size rationale", YOURS),
        ("Stopping rule", _stopping(plan)),
        ("Manipulated variables", f"The kind of saliency map: {kinds}."),
        ("Measured variables", "; ".join(_settings(task, settings) for task, settings in tasks)),
        ("Indices", " ".join(captions)),
        ("Statistical models", tests(plan, past=False)),
        ("Transformations", "None."),
        (
            "Inference criteria",
            f"*p* below {bare(plan.alpha)} after Holm's correction over {family(plan)}; {interval_name(plan.level)}s.",
        ),
        ("Data exclusion", f"{exclusion(plan.rules)[:1].upper()}{exclusion(plan.rules)[1:]}."),
        ("Missing data", "Answers that timed out are missing; all estimates use every answer there is."),
        (
            "Exploratory analysis",
            "All pairs of kinds, mixed models, effects of the order, agreement of participants, a multiverse.",
        ),
        ("Other", f"SHA-256 of the sealed protocol: {sha256}"),
    )
    return "\n\n".join(f"### {title}\n\n{text}" for title, text in sections) + "\n"


def _stopping(plan: AnalysisPlan) -> str:
    if plan.stopping is None:
        return "The sample size above. No result decides when the study ends; see Blinding."
    told = plain(plan.stopping.told(title_of(plan.stopping.outcome)))
    return f"{told} Until then it is only said whether the study goes on."


def _settings(task: Task, settings: Mapping[str, Any]) -> str:
    """The settings of a task under the labels of its form; lists, such as groups of images, by their length."""
    told = []
    for setting in task.settings:
        value = settings.get(setting.name, setting.default)
        if isinstance(value, bool):
            told.append(f"{setting.label}: {'yes' if value else 'no'}")
        elif isinstance(value, list | dict):
            told += [f"{setting.label}: {len(value)} given"] if value else []
        elif value not in ("", None):
            label = dict(setting.choices).get(value, value)
            told.append(f"{setting.label}: {plain(str(label))}")
    return f"{task.outcome.title} ({', '.join(told)})"
