"""A third task, from outside: two maps of one photo, for two classes, under two columns. Which one is of the label?

The network's label is named; the participant picks the map that explains it (class discrimination, Selvaraju et al.
2017). Everything that is special to it stands in this folder.
"""

from collections.abc import Mapping

from survey_site.design.task_spec import TaskSpec
from survey_site.statistics.outcome import Outcome
from survey_site.tasks.behaviour import Person, Simulated, SimulatedTrial, Simulator
from survey_site.tasks.cells import share_cell
from survey_site.tasks.contract import (
    AnswerRefused,
    Column,
    Given,
    Reading,
    Scored,
    TableRow,
    Task,
    Truth,
    Values,
)
from survey_site.tasks.fields import whole
from survey_site.tasks.settings import TRIALS, Setting, Settings
from tests.toy_task import forms

NAME = "telling"
PLANTED = {"Grad-CAMs": 0.55, "Ours 1": 0.85}
MAPS = 2


def spec(settings: Settings) -> TaskSpec:
    """Single images; the maps explain the network's first and second choice. A check shows which map to pick."""
    return TaskSpec(
        task=NAME,
        per_column=settings[TRIALS],
        instructed=MAPS,
        ranks=(0, 1),
        outcome="Discrimination",
        seconds=9.0,
        salt=(NAME,),
    )


def read(fields: Mapping[str, str], reading: Reading) -> Given:
    """The place of the chosen map, in the field `map`."""
    place = whole(fields.get("map", ""), range(reading.maps))
    if place is None:
        raise AnswerRefused("map")
    return Given({"picked": place})


def score(given: Given, truth: Truth) -> Scored:
    """1 where the map of the predicted class was picked; in a check, the place picked."""
    place = given.values["picked"]
    right = place == truth.first
    values = {"picked": place, "label": truth.label, "told": int(right)}
    return Scored(values, float(place if truth.expected is not None else right))


def refuse(values: Values) -> str:
    if set(values) == {"picked", "label", "told"} and values["told"] in (0, 1):
        return ""
    return f"a pick has picked, label and told, not {values!r}"


def behave(simulator: Simulator, person: Person, trial: SimulatedTrial) -> Simulated:
    """Right with the planted probability of the column, lapses aside."""
    key = ("tell", person.number, trial.position)
    if trial.check:
        place = simulator.check(person, trial.position, trial.expected or 0, MAPS)
    elif simulator.lapsed(person, *key):
        place = simulator.guess(MAPS, *key)
    else:
        lapse = simulator.behaviour.lapses
        planted = simulator.behaviour.effect(NAME, trial.column, PLANTED, 0.7, 1)
        right = simulator.uniform("right", *key) < (planted - lapse / MAPS) / (1 - lapse)
        place = trial.first if right else 1 - trial.first
    return Simulated({"map": str(place)}, simulator.time(person, key, 4000.0))


TEXTS = {
    f"instructions_{NAME}": "The network names what it sees. **One of two maps was made for that name.** Pick it.\n",
    f"begin_{NAME}": "That was the practice.\n",
    f"{NAME}_question": "Which map explains this name?",
}

TASK = Task(
    name=NAME,
    title="Telling classes apart",
    settings=(
        Setting(
            TRIALS, "Telling trials per column", "Trials of a participant for each column.", "whole", 0,
            minimum=0, maximum=50,
        ),
    ),
    spec=spec,
    read=read,
    score=score,
    refuse=refuse,
    answer_place=lambda truth: truth.first,
    content=forms.content,
    feedback=forms.feedback,
    refusals=forms.refusals,
    headings=forms.headings,
    outcome=Outcome("discrimination", NAME, "Discrimination", "share"),
    cell=lambda counts, settings: share_cell(counts),
    rows=(TableRow("told apart / answers", lambda cell: f"{cell['correct']} / {cell['n']}"),),
    caption=lambda settings: "Discrimination %: share of trials in which the map of the predicted class was picked.",
    columns=(
        Column("picked", "Place of the map that was picked, from 0.", "integer", "picked", minimum=0, maximum=1),
        Column("label", "Class that the network predicted, as shown.", "string", "label"),
        Column("told", "1: the map of that class was picked.", "boolean", "told"),
    ),
    texts={"en": TEXTS},
    behave=behave,
    planted=PLANTED,
    spread=(0.55, 0.9),
    analysis="tests.toy_task.analysis",
)  # fmt: skip
