"""How simulated participants are: abilities, lapses, drop-outs, times. How they answer, their tasks say.

Pure and seeded: an answer depends on the seed, the participant's number and the trial alone, whatever the
order or the process in which trials are played. The planted values are *marginal*: averaged over people and
images the estimates are those of `effects`, lapses included, so a rehearsal knows what the analysis must find.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from math import exp, log
from statistics import NormalDist
from typing import TypeVar

from survey_site.design.design import Id
from survey_site.design.seeded import number

People = TypeVar("People")
NORMAL = NormalDist()
CHECK_MS = 2500  # a check says what to answer
QUADRATURE = tuple(NORMAL.inv_cdf((k + 0.5) / 400) for k in range(400))
Effects = Mapping[str, Mapping[str, float]]
"""Planted truth: by task and table column a share 0..1 or a mean score."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """What a simulated participant answers: fields as posted by a form, and the time taken."""

    fields: Mapping[str, str]
    rt_ms: int


@dataclass(frozen=True, slots=True)
class SimulatedTrial:
    """What a simulated participant is told of a trial, since it cannot see. column: “Original” where that is shown.

    columns: of all maps, in display order, where there are several; `first` is the place of the one that `column` names.
    predicted_right: whether the network predicts the image's class, where that is known.
    """

    task: str
    position: int
    column: str
    target: str
    pool: tuple[str, ...] = ()
    target_position: int | None = None
    columns: tuple[str, ...] = ()
    first: int = 0
    check: bool = False
    expected: int | None = None
    predicted_right: bool | None = None


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Parameters of a simulated population. `other`: by task, for columns without a planted effect.

    lapse: share of trials answered at random; careless: share of people who lapse in half of their trials; drop_out:
    share of people who leave before the end. Speeds are standard deviations of log time. people: by task what its own
    model of people takes instead of its defaults.
    """

    effects: Effects = field(default_factory=dict)
    other: Mapping[str, float] = field(default_factory=dict)
    lapse: float = 0.02
    careless: float = 0.04
    drop_out: float = 0.10
    person_speed_sd: float = 0.3
    trial_speed_sd: float = 0.45
    people: Mapping[str, object] = field(default_factory=dict)

    def effect(
        self, task: str, column: str, planted: Mapping[str, float], other: float, highest: float
    ) -> float:
        """The value planted in a task under a column: this population's, else the task's own.

        Raises ValueError for one outside 0..highest.
        """
        known = self.effects.get(task, planted)
        value = known[column] if column in known else self.other.get(task, other)
        if not 0 <= value <= highest:
            raise ValueError(f"An effect of {task} lies in 0..{highest:g}; under {column!r} it is {value:g}.")
        return value

    def people_of(self, task: str, default: People) -> People:
        """The parameters of a task's own model of people: this population's, else the default."""
        own = self.people.get(task)
        return own if isinstance(own, type(default)) else default

    @property
    def lapses(self) -> float:
        """Share of all answers given at random."""
        return (1 - self.careless) * self.lapse + self.careless * 0.5


@dataclass(frozen=True, slots=True)
class Person:
    """One simulated participant. `leaves_at`: share of the trials after which they are gone, None if they stay."""

    number: int
    speed: float
    lapse: float
    leaves_at: float | None

    def stays_for(self, position: int, trials: int) -> bool:
        """Whether they still answer the trial at `position` (from 0) of `trials`."""
        return self.leaves_at is None or position < self.leaves_at * trials


@dataclass(frozen=True, slots=True)
class Simulator:
    """The population of one seed."""

    behaviour: Behaviour
    seed: str

    def person(self, index: int) -> Person:
        """The index-th participant; the same on every call."""
        model = self.behaviour
        careless = self.uniform("careless", index) < model.careless
        leaves = self.uniform("leaves", index) < model.drop_out
        return Person(
            number=index,
            speed=model.person_speed_sd * self.normal("speed", index),
            lapse=0.5 if careless else model.lapse,
            leaves_at=self.uniform("leaves at", index) if leaves else None,
        )

    def lapsed(self, person: Person, *key: Id) -> bool:
        """Whether this answer is given at random."""
        return self.uniform("lapse", *key) < person.lapse

    def guess(self, options: int, *key: Id) -> int:
        """An answer at random, 0..options − 1."""
        return int(self.uniform("guess", *key) * options)

    def guess_other(self, options: int, right: int, *key: Id) -> int:
        """A wrong answer at random: 0..options − 1 without the right one."""
        wrong = int(self.uniform("wrong", *key) * (options - 1))
        return wrong + (wrong >= right)

    def chance(self, share: float, options: int, spread: float, ease: float) -> float:
        """P(right) where somebody answers with `ease` on the logit scale, lapses aside.

        Over a normal ease of this standard deviation (`spread`) and over lapses, each a guess among the options, it is the
        planted share; 0 or 1 where guesses alone leave nothing else.
        """
        lapse = self.behaviour.lapses
        attentive = (share - lapse / options) / (1 - lapse)
        if attentive <= 0 or attentive >= 1:
            return float(attentive >= 1)
        return logistic(centre_of_share(attentive, spread) + ease)

    def check(self, person: Person, position: int, expected: int, options: int) -> int:
        """The answer to an attention check: the expected one, or a lapse anywhere."""
        key = ("check", person.number, position)
        return self.guess(options, *key) if self.lapsed(person, *key) else expected

    def time(self, person: Person, key: tuple[Id, ...], median_ms: float) -> int:
        """Milliseconds that an answer takes a person."""
        spread = self.behaviour.trial_speed_sd * self.normal("time", *key)
        return round(median_ms * exp(person.speed + spread))

    def uniform(self, *key: Id) -> float:
        """A number of 0..1 that depends on the seed and the key alone."""
        return (number(self.seed, *key) >> 203) / (1 << 53)

    def normal(self, *key: Id) -> float:
        """A standard normal number that depends on the seed and the key alone."""
        return NORMAL.inv_cdf(((number(self.seed, *key) >> 204) + 0.5) / (1 << 52))


def logistic(value: float) -> float:
    """1 / (1 + exp(−value)), without overflow."""
    return 1 / (1 + exp(-value)) if value >= 0 else exp(value) / (1 + exp(value))


@lru_cache(maxsize=256)
def centre_of_share(share: float, spread: float) -> float:
    """μ with E logistic(μ + spread·Z) = share."""
    guess = log(share / (1 - share))
    low, high = guess - 2 - 4 * spread, guess + 2 + 4 * spread
    for _ in range(60):
        middle = (low + high) / 2
        mean = sum(logistic(middle + spread * z) for z in QUADRATURE) / len(QUADRATURE)
        low, high = (middle, high) if mean < share else (low, middle)
    return (low + high) / 2
