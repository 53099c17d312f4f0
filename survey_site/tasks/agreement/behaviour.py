"""How simulated people judge predictions: logit P(found out) of right and wrong ones apart.

Both are the planted share, moved by a leaning to believe the network, which helps where it is right and harms where it is
wrong; then ability, a person's own leaning, ease of the image and of it under the column, all normal. A lapse is a guess.
"""

from dataclasses import dataclass
from math import hypot

from survey_site.tasks.agreement.scale import EXTREMES, STEPS
from survey_site.tasks.behaviour import (
    CHECK_MS,
    Person,
    Simulated,
    SimulatedTrial,
    Simulator,
)

# Grad-CAMs as published (Kim et al. 2022: 70.8 % on right, 44.8 % on wrong predictions); the others are guesses.
PLANTED = {
    "Grad-CAMs": 0.578, "Ours 1": 0.68, "Ours 2": 0.66, "Ours 3": 0.65, "Ours 4": 0.62, "Ours 5": 0.63,
    "Edges only": 0.55, "CAM of random weights": 0.53, "Original": 0.62,
}  # fmt: skip
OTHER = 0.60
LEANING = 0.13  # half of what is published between right and wrong predictions


@dataclass(frozen=True, slots=True)
class Doubters:
    """Standard deviations on the logit scale; sure: share of the answers that are “definitely”."""

    ability_sd: float = 0.4
    leaning_sd: float = 0.5
    image_sd: float = 0.7
    image_column_sd: float = 0.4
    sure: float = 0.35
    median_ms: float = 6000.0


def doubters(simulator: Simulator) -> Doubters:
    """The population's own parameters, or the defaults."""
    return simulator.behaviour.people_of("agreement", Doubters())


def effect(simulator: Simulator, column: str) -> float:
    """The planted share of judgements that find out, right and wrong predictions together, 0..1."""
    return simulator.behaviour.effect("agreement", column, PLANTED, OTHER, 1)


def planted(simulator: Simulator, column: str, right: bool) -> float:
    """The share of right (or wrong) predictions that are found out: the leaning leaves the mean of both as planted."""
    share = effect(simulator, column)
    leaning = min(LEANING, 0.9 * share, 0.9 * (1 - share))
    return share + leaning if right else share - leaning


def behave(simulator: Simulator, person: Person, trial: SimulatedTrial) -> Simulated:
    """How sure this person is that the prediction is right; in a check the step asked for."""
    if trial.check:
        extreme = simulator.check(person, trial.position, trial.expected or 0, len(EXTREMES))
        return _said(EXTREMES[extreme], CHECK_MS)
    model, key = doubters(simulator), ("doubt", person.number, trial.position)
    if simulator.lapsed(person, *key):
        step = STEPS[simulator.guess(len(STEPS), *key)]
        return _said(step, simulator.time(person, key, 0.4 * model.median_ms))
    right = trial.predicted_right is not False
    found_out = simulator.uniform("found out", *key) < chance_of_finding_out(simulator, person, trial, right)
    sure = simulator.uniform("sure", *key) < model.sure
    says_right = found_out == right
    step = (4 if sure else 3) if says_right else (1 if sure else 2)
    return _said(step, simulator.time(person, key, model.median_ms))


def _said(step: int, rt_ms: int) -> Simulated:
    return Simulated({"sure": str(step)}, rt_ms)


def chance_of_finding_out(simulator: Simulator, person: Person, trial: SimulatedTrial, right: bool) -> float:
    """Probability that this person judges this prediction rightly, lapses aside."""
    model = doubters(simulator)
    spread = hypot(model.ability_sd, model.leaning_sd, model.image_sd, model.image_column_sd)
    leaning = model.leaning_sd * simulator.normal("leaning", person.number)
    ease = model.ability_sd * simulator.normal("finding", person.number)
    ease += model.image_sd * simulator.normal("plain", trial.target)
    ease += model.image_column_sd * simulator.normal("plain", trial.target, trial.column)
    ease += leaning if right else -leaning
    return simulator.chance(planted(simulator, trial.column, right), 2, spread, ease)
