"""How simulated people match: logit P(right) = μ(column) + ability + ease of the image + ease of it under the column.

All terms are normal (docs/statistics.md, power); a lapse is a guess.
"""

from dataclasses import dataclass
from math import hypot

from survey_site.tasks.behaviour import (
    CHECK_MS,
    Person,
    Simulated,
    SimulatedTrial,
    Simulator,
)
from survey_site.tasks.matching.answers import CANT_TELL

# Table 1 of the paper; the controls are guesses that keep their order: random < Grad-CAMs, original ≈ 1.
PLANTED = {
    "Grad-CAMs": 0.48, "Ours 1": 0.96, "Ours 2": 0.92, "Ours 3": 0.92, "Ours 4": 0.80, "Ours 5": 0.76,
    "Edges only": 0.88, "CAM of random weights": 0.30, "Original": 0.99,
    "Integrated gradients": 0.55, "RISE": 0.46, "LayerCAM": 0.50,
}  # fmt: skip
OTHER = 0.70


@dataclass(frozen=True, slots=True)
class Matchers:
    """Standard deviations on the logit scale; cant_tell: share of wrong matches given as “I can't tell”."""

    ability_sd: float = 0.7
    image_sd: float = 0.7
    image_column_sd: float = 0.5
    cant_tell: float = 0.15
    median_ms: float = 6000.0


def matchers(simulator: Simulator) -> Matchers:
    """The population's own parameters, or the defaults."""
    return simulator.behaviour.people_of("matching", Matchers())


def effect(simulator: Simulator, column: str) -> float:
    """The planted share of right answers, 0..1."""
    return simulator.behaviour.effect("matching", column, PLANTED, OTHER, 1)


def behave(simulator: Simulator, person: Person, trial: SimulatedTrial) -> Simulated:
    """The choice of a place in the pool as displayed, or “I can't tell”."""
    size, right = len(trial.pool), trial.target_position or 0
    if trial.check:
        return _chosen(simulator.check(person, trial.position, right, size), CHECK_MS)
    model, key = matchers(simulator), ("match", person.number, trial.position)
    if simulator.lapsed(person, *key):
        return _chosen(simulator.guess(size, *key), simulator.time(person, key, 0.4 * model.median_ms))
    if simulator.uniform("correct", *key) < chance_of_a_match(
        simulator, person, trial.column, trial.target, size
    ):
        return _chosen(right, simulator.time(person, key, 1.0 * model.median_ms))
    if simulator.uniform("cant tell", *key) < model.cant_tell:
        return _chosen(None, simulator.time(person, key, 1.4 * model.median_ms))
    wrong = simulator.guess_other(size, right, *key)
    return _chosen(wrong, simulator.time(person, key, 1.2 * model.median_ms))


def _chosen(place: int | None, rt_ms: int) -> Simulated:
    return Simulated({"choice": CANT_TELL if place is None else str(place)}, rt_ms)


def chance_of_a_match(
    simulator: Simulator, person: Person, column: str, target: str, pool_size: int
) -> float:
    """Probability of a correct match by this person of this image, lapses aside."""
    model = matchers(simulator)
    spread = hypot(model.ability_sd, model.image_sd, model.image_column_sd)
    ease = model.image_sd * simulator.normal("ease", target)
    ease += model.image_column_sd * simulator.normal("ease", target, column)
    ease += model.ability_sd * simulator.normal("ability", person.number)
    return simulator.chance(effect(simulator, column), pool_size, spread, ease)
