"""How simulated people rate: a sum of normal terms of rater, image, image under the column and noise, cut to 0..6."""

from dataclasses import dataclass
from functools import lru_cache
from math import floor, hypot

from survey_site.tasks.behaviour import CHECK_MS, NORMAL, Person, Simulated, SimulatedTrial, Simulator
from survey_site.tasks.rating.scale import HIGHEST, LOWEST, RATINGS

# Table 1 of the paper; controls and other families are guesses that keep their order: random < Grad-CAMs, original ≈ 6.
PLANTED = {
    "Grad-CAMs": 1.02, "Ours 1": 4.05, "Ours 2": 3.63, "Ours 3": 3.47, "Ours 4": 3.24, "Ours 5": 3.30,
    "Edges only": 2.60, "CAM of random weights": 0.60, "Original": 5.50,
    "Integrated gradients": 1.20, "RISE": 1.10, "LayerCAM": 1.30,
}  # fmt: skip
OTHER = 3.00


@dataclass(frozen=True, slots=True)
class Raters:
    """Standard deviations in points of the scale."""

    rater_sd: float = 0.6
    image_sd: float = 0.5
    image_column_sd: float = 0.3
    noise_sd: float = 0.9
    median_ms: float = 3500.0


def raters(simulator: Simulator) -> Raters:
    """The population's own parameters, or the defaults."""
    return simulator.behaviour.people_of("rating", Raters())


def effect(simulator: Simulator, column: str) -> float:
    """The planted mean rating."""
    return simulator.behaviour.effect("rating", column, PLANTED, OTHER, HIGHEST)


def behave(simulator: Simulator, person: Person, trial: SimulatedTrial) -> Simulated:
    """The rating of an image under a column; in a check the one asked for."""
    if trial.check:
        return _rated(simulator.check(person, trial.position, trial.expected or 0, len(RATINGS)), CHECK_MS)
    model, key = raters(simulator), ("rate", person.number, trial.position)
    if simulator.lapsed(person, *key):
        level = RATINGS[simulator.guess(len(RATINGS), *key)]
        return _rated(level, simulator.time(person, key, 0.4 * model.median_ms))
    lapse = simulator.behaviour.lapses
    attentive = (effect(simulator, trial.column) - lapse * (LOWEST + HIGHEST) / 2) / (1 - lapse)
    spread = hypot(model.rater_sd, model.image_sd, model.image_column_sd, model.noise_sd)
    value = centre_of_rating(attentive, spread) + model.rater_sd * simulator.normal("severity", person.number)
    value += model.image_sd * simulator.normal("appeal", trial.target)
    value += model.image_column_sd * simulator.normal("appeal", trial.target, trial.column)
    value += model.noise_sd * simulator.normal("noise", *key)
    rating = min(max(floor(value + 0.5), LOWEST), HIGHEST)
    return _rated(rating, simulator.time(person, key, model.median_ms))


def _rated(rating: int, rt_ms: int) -> Simulated:
    return Simulated({"rating": str(rating)}, rt_ms)


@lru_cache(maxsize=256)
def centre_of_rating(mean: float, spread: float) -> float:
    """μ whose normal, rounded and cut to 0..6, has this mean; ratings beyond the reachable go to an end."""
    low, high = -20.0, 20.0 + len(RATINGS)
    for _ in range(60):
        middle = (low + high) / 2
        expected = LOWEST + sum(NORMAL.cdf((middle - level + 0.5) / spread) for level in RATINGS[1:])
        low, high = (middle, high) if expected < mean else (low, middle)
    return (low + high) / 2
