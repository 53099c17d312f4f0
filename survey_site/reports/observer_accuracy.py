"""How observers do on the planned trials, as the check page shows it: asked of a task, kept in the job. No NumPy here."""

from dataclasses import dataclass
from typing import Any

from saliency_worker.observer_kinds import KINDS, name
from survey_site.protocols import masking
from survey_site.protocols.observed import WARN_ABOVE
from survey_site.reports.cached_task import CachedTask
from survey_site.statistics.printing import interval
from survey_site.stimuli.observed import MEASURE_TASK, ObserverJob
from survey_site.studies.models import Study

REMEDY = (
    "People may find these sources by the same means. Two settings answer that: another exemplar, by which drawn "
    "edges no longer help; and pools that are hard for observers, which takes little from the observer of edges."
)
MEASURING = CachedTask(MEASURE_TASK, asks_again=False)


@dataclass(frozen=True, slots=True)
class MeasuredObserver:
    """One cell: text of share and interval, in percent; solved: above what a warning is for."""

    text: str
    solved: bool = False


def key_of(job: ObserverJob) -> str:
    """Names the measuring of one result."""
    return f"observers:{job.pk}:{job.finished_at.isoformat() if job.finished_at else ''}"


def ask(job: ObserverJob) -> str:
    """Sends the task unless it is under way; returns why it could not be sent, or the empty string."""
    return MEASURING.ask(key_of(job), [job.pk])


def headings(job: ObserverJob) -> list[str]:
    """The observers that there were, in the order of the ladder."""
    return [name(key) for key in _known(job)]


def _known(job: ObserverJob) -> list[str]:
    tried = {key for own in _columns(job) for key in own["observers"]}
    return [kind.key for kind in KINDS if kind.key in tried]


def _columns(job: ObserverJob) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = job.accuracy.get("columns", [])
    return found


def rows(job: ObserverJob) -> list[tuple[str, list[MeasuredObserver]]]:
    """By column the cells of `headings`."""
    return [
        (own["column"], [_cell(own["observers"].get(key)) for key in _known(job)]) for own in _columns(job)
    ]


def _cell(found: dict[str, Any] | None) -> MeasuredObserver:
    if found is None or found["share"] is None:
        return MeasuredObserver("–")
    text = f"{100 * found['share']:.0f} % [{interval(found['ci'], 0)}]"
    return MeasuredObserver(text, found["share"] > WARN_ABOVE)


@dataclass(frozen=True, slots=True)
class PlannedObservers:
    """What the observers have on the planned trials, as pages print it."""

    headings: list[str]
    rows: list[tuple[str, list[MeasuredObserver]]]
    warnings: list[str]
    notes: list[str]
    trials: int


def printed(job: ObserverJob) -> PlannedObservers:
    """A measured job for a page."""
    notes = job.found.get("notes", [])
    return PlannedObservers(headings(job), rows(job), warnings(job), notes, job.accuracy.get("trials", 0))


def newest(study: Study) -> PlannedObservers | None:
    """Of the study's newest measured job; None while names are hidden, which observers of edges would tell."""
    if masking.is_masked(study):
        return None
    done = study.observer_jobs.filter(state=ObserverJob.State.DONE).exclude(accuracy={})
    job = done.order_by("-finished_at").first()
    return printed(job) if job else None


def warnings(job: ObserverJob) -> list[str]:
    """One line for each column that observers solve, and one that says what can be done."""
    found = []
    for own in _columns(job):
        solved = [
            f"“{name(key)}” ({100 * one['share']:.0f} %)"
            for key, one in own["observers"].items()
            if one["share"] is not None and one["share"] > WARN_ABOVE
        ]
        if solved:
            found.append(
                f"{own['column']} is solved by {', '.join(solved)}, without knowing anything of the classifier."
            )
    return [*found, REMEDY] if found else []
