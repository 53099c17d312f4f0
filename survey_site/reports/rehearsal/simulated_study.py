"""The answers of simulated participants under a protocol's document: planned, given, read and scored as at the site.

No pages and no database: plan (design.assignment) and behaviour, reading and scoring (tasks) are pure functions, so
hundreds of studies take minutes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from survey_site.design.assignment import PlannedTrial, plan
from survey_site.design.design import Design
from survey_site.protocols.document import design_of_document
from survey_site.statistics.data import Trials, from_columns
from survey_site.tasks import registry
from survey_site.tasks.behaviour import Person, SimulatedTrial, Simulator
from survey_site.tasks.contract import Reading, Scored, Task, Truth
from survey_site.tasks.predictions import is_right
from survey_site.tasks.settings import Settings

Row = dict[str, Any]
NAMES = (
    "participant", "task", "column", "stimulus", "stimulus_class", "classifier", "base", "method", "pool", "choice",
    "choice_class", "score", "second_score", "declined", "answers", "position", "block", "rt_ms", "seen",
    "attention_check", "further", "pool_position",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RehearsedStudy:
    """What the trials of a document are answered by. conditions: as in the document, by position."""

    design: Design
    conditions: list[Row]
    classes: Mapping[str, str]
    tasks: Mapping[str, tuple[Task, Settings]]
    predictions: Mapping[str, Mapping[str, str]]

    def label(self, trial: PlannedTrial) -> str:
        """What the trial's classifier predicts; the image's class where the document does not tell, as no task asks."""
        target, classifier = str(trial.target), self.conditions[int(trial.condition or 0)]["classifier"]
        if not self.predictions:
            return self.classes.get(target, "")
        return self.predictions.get(classifier, {}).get(target, "")


def study_of(document: Row) -> RehearsedStudy:
    """The plain parts of a document in format 2. Raises UnknownTask for a task that is not installed."""
    return RehearsedStudy(
        design=design_of_document(document),
        conditions=list(document["conditions"]),
        classes={stimulus["key"]: stimulus["class"] for stimulus in document["stimuli"]},
        tasks={task.name: (task, settings) for task, settings in registry.chosen(document["tasks"])},
        predictions=document.get("predictions", {}),
    )


def simulated(document: Row, simulator: Simulator) -> Trials:
    """The answers of as many completed participants as the document plans, one for each ticket.

    Who leaves gives the ticket to the next arrival, as at the site; their trials are not in the primary analysis.
    """
    study = study_of(document)
    columns: dict[str, list[Any]] = {name: [] for name in NAMES}
    arrivals = 0
    for ticket in range(document["design"]["target_participants"]):
        person = simulator.person(arrivals)
        while person.leaves_at is not None:
            arrivals += 1
            person = simulator.person(arrivals)
        arrivals += 1
        for row in _answers(study, simulator, person, ticket):
            for name in NAMES:
                columns[name].append(row.get(name))
    return from_columns(columns)


def _answers(study: RehearsedStudy, simulator: Simulator, person: Person, ticket: int) -> Iterator[Row]:
    for trial in plan(study.design, ticket):
        if trial.column is None or trial.condition is None:
            continue  # practice and checks count nowhere
        task, settings = study.tasks[trial.task]
        answered = task.behave(simulator, person, _told(study, trial))
        given = task.read(
            answered.fields, Reading(settings, candidates=len(trial.pool), maps=max(1, len(trial.maps)))
        )
        scored = task.score(given, _truth(study, trial))
        row: Row = {
            "participant": f"p{person.number}",
            "task": trial.task,
            "block": trial.block,
            "seen": "yes",
            "position": trial.position,
            "stimulus": trial.target,
            "stimulus_class": study.classes.get(str(trial.target)),
            "pool": "|".join(map(str, trial.pool)),
            "pool_position": trial.target_position,
            "choice": scored.values.get("choice"),
            "choice_class": scored.values.get("choice_class"),
            "declined": int(given.declined),
            "answers": scored.values,
            "rt_ms": answered.rt_ms,
            "attention_check": 0,
        }
        yield from _counted(study, task, trial, scored, row)


def _counted(
    study: RehearsedStudy, task: Task, trial: PlannedTrial, scored: Scored, row: Row
) -> Iterator[Row]:
    """The answer in the column of its first map, and in those of its other maps where the task counts it there."""
    first = {"score": scored.score, "second_score": scored.second_score, "further": 0}
    yield row | _shown(study, trial.condition) | first
    if task.further_score is None:
        return
    for place, shown in enumerate(trial.maps):
        if place != trial.first:
            score = None if scored.score is None else task.further_score(scored.score)
            yield row | _shown(study, shown.condition) | {"score": score, "further": 1}


def _shown(study: RehearsedStudy, condition: Any) -> Row:
    entry = study.conditions[int(condition)]
    return {name: entry[name] for name in ("column", "classifier", "base", "method")}


def _told(study: RehearsedStudy, trial: PlannedTrial) -> SimulatedTrial:
    names = [entry["column"] for entry in study.conditions]
    return SimulatedTrial(
        task=trial.task,
        position=trial.position,
        column=names[int(trial.condition or 0)],
        target=str(trial.target),
        pool=tuple(map(str, trial.pool)),
        target_position=trial.target_position,
        columns=tuple(names[int(shown.condition)] for shown in trial.maps),
        first=trial.first,
        predicted_right=is_right(study.label(trial), study.classes.get(str(trial.target), "")),
    )


def _truth(study: RehearsedStudy, trial: PlannedTrial) -> Truth:
    return Truth(
        target=str(trial.target),
        pool=tuple(map(str, trial.pool)),
        classes=study.classes,
        first=trial.first,
        label=study.label(trial),
    )
