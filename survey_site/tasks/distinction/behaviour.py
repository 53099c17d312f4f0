"""How simulated people tell classes apart: logit P(right map) = μ(column) + ability + ease of the image, twice.

The ease is of the image, and of it under the column; all terms are normal. A lapse is a guess among the four maps. Who is
right is surer.
"""

from dataclasses import dataclass
from math import hypot

from survey_site.tasks.behaviour import (
    Person,
    Simulated,
    SimulatedTrial,
    Simulator,
)
from survey_site.tasks.distinction.answers import ASKED, CONFIDENCE, MAPS

# Guesses that keep the order of the paper's ratings; maps of random weights tell no classes apart.
PLANTED = {
    "Grad-CAMs": 0.40, "Ours 1": 0.55, "Ours 2": 0.52, "Ours 3": 0.50, "Ours 4": 0.45, "Ours 5": 0.46,
    "Edges only": 0.25, "CAM of random weights": 0.27, "Original": 0.25,
}  # fmt: skip
OTHER = 0.45
CHECK_MS = 3000


@dataclass(frozen=True, slots=True)
class Tellers:
    """Standard deviations on the logit scale; sure: how much more often the two upper steps are said by who is right."""

    ability_sd: float = 0.5
    image_sd: float = 0.6
    image_column_sd: float = 0.4
    sure: float = 0.25
    median_ms: float = 9000.0


def tellers(simulator: Simulator) -> Tellers:
    """The population's own parameters, or the defaults."""
    return simulator.behaviour.people_of("distinction", Tellers())


def effect(simulator: Simulator, column: str) -> float:
    """The planted share of right picks, 0..1."""
    return simulator.behaviour.effect("distinction", column, PLANTED, OTHER, 1)


def behave(simulator: Simulator, person: Person, trial: SimulatedTrial) -> Simulated:
    """The place of a map and how sure they are; in a check the map asked for."""
    if trial.check:
        place = simulator.check(person, trial.position, trial.expected or 0, ASKED)
        return _picked(place, CONFIDENCE[-1], CHECK_MS)
    model, key = tellers(simulator), ("distinguish", person.number, trial.position)
    if simulator.lapsed(person, *key):
        return _picked(
            simulator.guess(MAPS, *key), CONFIDENCE[0], simulator.time(person, key, 0.4 * model.median_ms)
        )
    right = simulator.uniform("right", *key) < chance_of_telling(simulator, person, trial)
    place = trial.first if right else simulator.guess_other(MAPS, trial.first, *key)
    upper = simulator.uniform("upper", *key) < 0.4 + model.sure * right
    confidence = 1 + 2 * upper + (simulator.uniform("step", *key) < 0.5)
    return _picked(place, confidence, simulator.time(person, key, model.median_ms))


def _picked(place: int, confidence: int, rt_ms: int) -> Simulated:
    return Simulated({"picked": str(place), "confidence": str(confidence)}, rt_ms)


def chance_of_telling(simulator: Simulator, person: Person, trial: SimulatedTrial) -> float:
    """Probability that this person picks the map of the predicted class, lapses aside."""
    model = tellers(simulator)
    spread = hypot(model.ability_sd, model.image_sd, model.image_column_sd)
    ease = model.ability_sd * simulator.normal("telling", person.number)
    ease += model.image_sd * simulator.normal("telling", trial.target)
    ease += model.image_column_sd * simulator.normal("telling", trial.target, trial.column)
    return simulator.chance(effect(simulator, trial.column), MAPS, spread, ease)
