"""How simulated participants answer: abilities, difficulties, planted effects, lapses, drop-outs, times.

Pure and seeded: an answer depends on the seed, the participant's number and the trial alone, whatever the
order or the process in which trials are played. The planted values are *marginal*: averaged over people and
images the share of correct answers and the mean rating are those of `effects`, lapses included, so a rehearsal
knows what the analysis must find.

Model (docs/statistics.md, power): logit P(correct) = μ(column) + ability + ease of the image + ease of the image
under the column, all normal; a rating is the sum of the same kinds of terms, rounded and cut to 0..6.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import exp, floor, hypot, log
from statistics import NormalDist

from survey_site.design.design import Id
from survey_site.design.seeded import number
from survey_site.statistics.answer_scale import HIGHEST, LOWEST, RATINGS

_NORMAL = NormalDist()
_QUADRATURE = tuple(_NORMAL.inv_cdf((k + 0.5) / 400) for k in range(400))


@dataclass(frozen=True, slots=True)
class Effect:
    """Planted truth of a table column: share of correct matches (0..1) and mean rating (0..6)."""

    faith: float
    index: float

    def __post_init__(self) -> None:
        if not (0 <= self.faith <= 1 and 0 <= self.index <= HIGHEST):
            raise ValueError(f"An effect is a share in 0..1 and a mean rating in 0..6; got {self}.")


# Table 1 of the paper; the controls are guesses that keep their order: random < Grad-CAMs, original ≈ 1.
PAPER_EFFECTS: Mapping[str, Effect] = {
    "Grad-CAMs": Effect(0.48, 1.02),
    "Ours 1": Effect(0.96, 4.05),
    "Ours 2": Effect(0.92, 3.63),
    "Ours 3": Effect(0.92, 3.47),
    "Ours 4": Effect(0.80, 3.24),
    "Ours 5": Effect(0.76, 3.30),
    "Edges only": Effect(0.88, 2.60),
    "CAM of random weights": Effect(0.30, 0.60),
    "Original": Effect(0.99, 5.50),
}


def planted_effects(columns: Sequence[str]) -> dict[str, Effect]:
    """The paper's values for its columns; for others values spread between those of its worst and best."""
    others = [name for name in columns if name not in PAPER_EFFECTS]
    spread = {
        name: Effect(0.55 + 0.35 * place / len(others), 1.5 + 2.5 * place / len(others))
        for place, name in enumerate(others)
    }
    return {name: PAPER_EFFECTS.get(name) or spread[name] for name in columns}


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Parameters of a simulated population. Standard deviations are on the logit or the rating scale."""

    effects: Mapping[str, Effect] = field(default_factory=lambda: PAPER_EFFECTS)
    other: Effect = Effect(0.70, 3.00)  # for columns without a planted effect
    ability_sd: float = 0.7
    image_sd: float = 0.7
    image_column_sd: float = 0.5
    rater_sd: float = 0.6
    rated_image_sd: float = 0.5
    rated_image_column_sd: float = 0.3
    rating_noise_sd: float = 0.9
    lapse: float = 0.02  # share of trials answered at random
    careless: float = 0.04  # share of people who lapse in half of their trials
    drop_out: float = 0.10  # share of people who leave before the end
    cant_tell: float = 0.15  # share of wrong matches given as "I can't tell"
    matching_median_ms: float = 6000.0
    rating_median_ms: float = 3500.0
    person_speed_sd: float = 0.3  # of log time
    trial_speed_sd: float = 0.45

    def effect(self, column: str) -> Effect:
        return self.effects.get(column, self.other)

    def without_differences(self) -> "Behaviour":
        """The same people where no column differs: what an analysis must not find a difference in."""
        shares = [effect.faith for effect in self.effects.values()]
        ratings = [effect.index for effect in self.effects.values()]
        mean = Effect(sum(shares) / len(shares), sum(ratings) / len(ratings))
        values = {name: getattr(self, name) for name in self.__slots__}
        return Behaviour(**values | {"effects": {}, "other": mean})


@dataclass(frozen=True, slots=True)
class Person:
    """One simulated participant. `leaves_at`: share of the trials after which they are gone, None if they stay."""

    number: int
    ability: float
    severity: float
    speed: float
    lapse: float
    leaves_at: float | None

    def stays_for(self, position: int, trials: int) -> bool:
        """Whether they still answer the trial at `position` (from 0) of `trials`."""
        return self.leaves_at is None or position < self.leaves_at * trials


@dataclass(frozen=True, slots=True)
class Match:
    """`choice` is a position in the pool as displayed; None is "I can't tell"."""

    choice: int | None
    rt_ms: int


@dataclass(frozen=True, slots=True)
class Rating:
    rating: int
    rt_ms: int


@dataclass(frozen=True, slots=True)
class Simulator:
    """The population of one seed."""

    behaviour: Behaviour
    seed: str

    def person(self, index: int) -> Person:
        """The index-th participant; the same on every call."""
        model = self.behaviour
        careless = self._uniform("careless", index) < model.careless
        leaves = self._uniform("leaves", index) < model.drop_out
        return Person(
            number=index,
            ability=model.ability_sd * self._normal("ability", index),
            severity=model.rater_sd * self._normal("severity", index),
            speed=model.person_speed_sd * self._normal("speed", index),
            lapse=0.5 if careless else model.lapse,
            leaves_at=self._uniform("leaves at", index) if leaves else None,
        )

    def match(
        self, person: Person, position: int, column: str, target: Id, target_position: int, pool_size: int
    ) -> Match:
        """The choice in a matching trial. `position` numbers the participant's trials, so answers differ."""
        key = ("match", person.number, position)
        if self._uniform("lapse", *key) < person.lapse:
            return Match(
                int(self._uniform("guess", *key) * pool_size), self._time(person, key, 0.4, "matching")
            )
        correct = self._uniform("correct", *key) < self.chance_of_a_match(person, column, target, pool_size)
        if correct:
            return Match(target_position, self._time(person, key, 1.0, "matching"))
        if self._uniform("cant tell", *key) < self.behaviour.cant_tell:
            return Match(None, self._time(person, key, 1.4, "matching"))
        wrong = int(self._uniform("wrong", *key) * (pool_size - 1))
        return Match(wrong + (wrong >= target_position), self._time(person, key, 1.2, "matching"))

    def chance_of_a_match(self, person: Person, column: str, target: Id, pool_size: int) -> float:
        """Probability of a correct match by this person of this image, lapses aside."""
        model = self.behaviour
        lapse = (1 - model.careless) * model.lapse + model.careless * 0.5
        attentive = (model.effect(column).faith - lapse / pool_size) / (1 - lapse)
        if attentive <= 0 or attentive >= 1:
            return float(attentive >= 1)
        spread = hypot(model.ability_sd, model.image_sd, model.image_column_sd)
        ease = model.image_sd * self._normal("ease", target)
        ease += model.image_column_sd * self._normal("ease", target, column)
        return _logistic(_centre_of_share(attentive, spread) + person.ability + ease)

    def rate(self, person: Person, position: int, column: str, target: Id) -> Rating:
        """The rating of an image under a column."""
        model, key = self.behaviour, ("rate", person.number, position)
        if self._uniform("lapse", *key) < person.lapse:
            level = RATINGS[int(self._uniform("guess", *key) * len(RATINGS))]
            return Rating(level, self._time(person, key, 0.4, "rating"))
        lapse = (1 - model.careless) * model.lapse + model.careless * 0.5
        attentive = (model.effect(column).index - lapse * (LOWEST + HIGHEST) / 2) / (1 - lapse)
        spread = hypot(
            model.rater_sd, model.rated_image_sd, model.rated_image_column_sd, model.rating_noise_sd
        )
        value = _centre_of_rating(attentive, spread) + person.severity
        value += model.rated_image_sd * self._normal("appeal", target)
        value += model.rated_image_column_sd * self._normal("appeal", target, column)
        value += model.rating_noise_sd * self._normal("noise", *key)
        rating = min(max(floor(value + 0.5), LOWEST), HIGHEST)
        return Rating(rating, self._time(person, key, 1.0, "rating"))

    def check(self, person: Person, position: int, expected: int, options: int) -> int:
        """The answer to an attention check: the expected one, or a lapse anywhere."""
        key = ("check", person.number, position)
        if self._uniform("lapse", *key) < person.lapse:
            return int(self._uniform("guess", *key) * options)
        return expected

    def _time(self, person: Person, key: tuple[Id, ...], factor: float, task: str) -> int:
        model = self.behaviour
        median = model.matching_median_ms if task == "matching" else model.rating_median_ms
        return round(factor * median * exp(person.speed + model.trial_speed_sd * self._normal("time", *key)))

    def _uniform(self, *key: Id) -> float:
        return (number(self.seed, *key) >> 203) / (1 << 53)

    def _normal(self, *key: Id) -> float:
        return _NORMAL.inv_cdf(((number(self.seed, *key) >> 204) + 0.5) / (1 << 52))


def _logistic(value: float) -> float:
    return 1 / (1 + exp(-value)) if value >= 0 else exp(value) / (1 + exp(value))


@lru_cache(maxsize=256)
def _centre_of_share(share: float, spread: float) -> float:
    """μ with E logistic(μ + spread·Z) = share."""
    guess = log(share / (1 - share))
    low, high = guess - 2 - 4 * spread, guess + 2 + 4 * spread
    for _ in range(60):
        middle = (low + high) / 2
        mean = sum(_logistic(middle + spread * z) for z in _QUADRATURE) / len(_QUADRATURE)
        low, high = (middle, high) if mean < share else (low, middle)
    return (low + high) / 2


@lru_cache(maxsize=256)
def _centre_of_rating(mean: float, spread: float) -> float:
    """μ whose normal, rounded and cut to 0..6, has this mean; ratings beyond the reachable go to an end."""
    low, high = -20.0, 20.0 + len(RATINGS)
    for _ in range(60):
        middle = (low + high) / 2
        expected = LOWEST + sum(_NORMAL.cdf((middle - level + 0.5) / spread) for level in RATINGS[1:])
        low, high = (middle, high) if expected < mean else (low, middle)
    return (low + high) / 2
