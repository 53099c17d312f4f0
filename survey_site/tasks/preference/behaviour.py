"""How simulated people prefer: logit P(own map) = μ(column, rival) + their taste + what suits the image, of each map.

All terms are normal; a lapse is a guess.
"""

from dataclasses import dataclass
from math import hypot, sqrt

from survey_site.tasks.behaviour import (
    CHECK_MS,
    Person,
    Simulated,
    SimulatedTrial,
    Simulator,
)
from survey_site.tasks.preference.answers import MAPS
from survey_site.tasks.preference.duels import won

# Shares won against a map of middle strength; guesses in the order of the paper's ratings, since no study has printed any.
PLANTED = {
    "Grad-CAMs": 0.30, "Ours 1": 0.66, "Ours 2": 0.62, "Ours 3": 0.60, "Ours 4": 0.55, "Ours 5": 0.57,
    "Edges only": 0.40, "CAM of random weights": 0.20, "Original": 0.75,
}  # fmt: skip
OTHER = 0.50


@dataclass(frozen=True, slots=True)
class Judges:
    """Standard deviations on the logit scale: of a person's taste for a column, and of how well one suits an image."""

    taste_sd: float = 0.5
    image_sd: float = 0.5
    median_ms: float = 5000.0


def judges(simulator: Simulator) -> Judges:
    """The population's own parameters, or the defaults."""
    return simulator.behaviour.people_of("preference", Judges())


def effect(simulator: Simulator, column: str) -> float:
    """The planted share won against a map of middle strength, 0..1."""
    return simulator.behaviour.effect("preference", column, PLANTED, OTHER, 1)


def behave(simulator: Simulator, person: Person, trial: SimulatedTrial) -> Simulated:
    """The place of one of two maps; in a check the one asked for."""
    if trial.check:
        place = simulator.check(person, trial.position, trial.expected or 0, MAPS)
        return _preferred(place, CHECK_MS)
    model, key = judges(simulator), ("prefer", person.number, trial.position)
    if simulator.lapsed(person, *key):
        return _preferred(simulator.guess(MAPS, *key), simulator.time(person, key, 0.4 * model.median_ms))
    own = simulator.uniform("own", *key) < chance_of_the_own(simulator, person, trial)
    place = trial.first if own else 1 - trial.first
    return _preferred(place, simulator.time(person, key, model.median_ms))


def _preferred(place: int, rt_ms: int) -> Simulated:
    return Simulated({"preferred": str(place)}, rt_ms)


def chance_of_the_own(simulator: Simulator, person: Person, trial: SimulatedTrial) -> float:
    """Probability that this person prefers the map of the trial's column for this image, lapses aside."""
    model = judges(simulator)
    rival = trial.columns[1 - trial.first]
    planted = won(effect(simulator, trial.column), effect(simulator, rival))

    def liking(column: str) -> float:
        taste = model.taste_sd * simulator.normal("taste", person.number, column)
        return taste + model.image_sd * simulator.normal("suits", trial.target, column)

    spread = sqrt(2) * hypot(model.taste_sd, model.image_sd)
    return simulator.chance(planted, MAPS, spread, liking(trial.column) - liking(rival))
