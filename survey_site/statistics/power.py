"""Power of the planned comparisons, by simulating the study and analysing it as the report will.

Participants and images are crossed; both vary, and images differ in which method suits them:
logit P(right) = a_k + u_participant + v_item + w_item,k, with a_k such that the *marginal* share of column k is
the planned one. Scores on a scale: the same sum plus a residual, rounded (whole scores) and cut to it. Items are
dealt to columns by a cyclic Latin square, as at the site. For the feasibility page call it in a background task.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from survey_site.statistics.comparisons import T_TEST, holm, t_test
from survey_site.statistics.factor import FloatArray, IntArray
from survey_site.statistics.report_types import PowerResult
from survey_site.statistics.uncertainty import Sample, difference

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(60)
_WEIGHTS = _WEIGHTS / np.sqrt(2 * np.pi)

Cells = tuple[IntArray, IntArray, IntArray]


@dataclass(frozen=True)
class Spread:
    """Standard deviations: participants, items, item × column (all log-odds or scale points), residual of a score.

    Scale points are those of a scale of seven levels; on another scale they grow with its width.
    """

    participant: float = 0.7
    item: float = 0.7
    interaction: float = 0.5
    residual: float = 1.0

    @property
    def random(self) -> float:
        """SD of the three random effects together."""
        return float(np.sqrt(self.participant**2 + self.item**2 + self.interaction**2))


@dataclass(frozen=True)
class Plan:
    """Columns with their expected share (0..1) or mean score, reference first, and the size of the study.

    ``scale``: lowest and highest score of a mean; None for shares. ``whole``: whether its scores are whole numbers.
    ``trials`` per participant and column; ``items``: pools or images, a multiple of trials × columns (default: exactly
    that many). ``duels``: a trial sets its column against another one, drawn at random, and its answer counts in both.
    """

    effects: Mapping[str, float]
    participants: int
    trials: int
    items: int | None = None
    scale: tuple[float, float] | None = None
    whole: bool = True
    spread: Spread = Spread()
    level: float = 0.95
    duels: bool = False

    def __post_init__(self) -> None:
        if len(self.effects) < 2:
            raise ValueError("power needs the reference and at least one other column")
        if self.participants < 2 or self.trials < 1:
            raise ValueError("power needs at least 2 participants and 1 trial per column")
        low, high = self.scale or (0, 1)
        if not all(low < value < high for value in self.effects.values()):
            raise ValueError(f"expected values must lie between {low} and {high}")
        if self.item_count % (self.trials * len(self.effects)):
            raise ValueError("items must be a multiple of trials × columns")

    @property
    def point(self) -> float:
        """Width of the scale in units of that of seven levels."""
        return (self.scale[1] - self.scale[0]) / 6 if self.scale else 1.0

    @property
    def item_count(self) -> int:
        """Pools or images in the study."""
        return self.items or self.trials * len(self.effects)


def intercept(share: float, sd: float) -> float:
    """The a with E[logistic(a + sd·Z)] = ``share``: a marginal share of a logit-normal model."""
    return float(
        optimize.brentq(
            lambda a: float(_WEIGHTS @ special.expit(a + sd * _NODES)) - share, -30, 30, xtol=1e-12
        )
    )


def latent_mean(mean: float, sd: float, scale: tuple[float, float], whole: bool = True) -> float:
    """The centre of a normal variable that, rounded (whole scores) and cut to the scale, has this ``mean``."""
    low, high = scale
    cuts = np.arange(low, high) + 0.5

    def above(end: float, centre: float) -> float:
        z = (centre - end) / sd
        return sd * float(z * special.ndtr(z) + np.exp(-z * z / 2) / np.sqrt(2 * np.pi))

    def excess(centre: float) -> float:
        if whole:
            return low + float(special.ndtr((centre - cuts) / sd).sum()) - mean
        return low + above(low, centre) - above(high, centre) - mean

    return float(optimize.brentq(excess, low - 40 * sd, high + 40 * sd, xtol=1e-12))


def layout(plan: Plan) -> Cells:
    """Participant, item and column of every trial, (n·T,) each: the cyclic square of the assignment."""
    k, t = len(plan.effects), plan.trials
    total = k * t
    groups = plan.item_count // total
    person = np.repeat(np.arange(plan.participants), total)
    j = np.tile(np.arange(total), plan.participants)
    item = (person // k) % groups + groups * j
    return person, item, (j + person) % k


def simulate(plan: Plan, rng: np.random.Generator, centres: FloatArray, cells: Cells) -> FloatArray:
    """One study's answers, (n·T,); of duels those of the own columns, then those of the rivals, (2·n·T,)."""
    person, item, column = cells
    if plan.duels:
        return _duels(plan, rng, cells)
    s, point = plan.spread, plan.point
    eta = (
        centres[column]
        + rng.normal(0, point * s.participant, plan.participants)[person]
        + rng.normal(0, point * s.item, plan.item_count)[item]
        + rng.normal(0, point * s.interaction, (plan.item_count, len(centres)))[item, column]
    )
    if plan.scale is None:
        return (rng.random(len(eta)) < special.expit(eta)).astype(np.float64)
    scores = eta + rng.normal(0, point * s.residual, len(eta))
    return np.clip(np.rint(scores) if plan.whole else scores, *plan.scale)


def _duels(plan: Plan, rng: np.random.Generator, cells: Cells) -> FloatArray:
    """Two columns of one image: taste of a person and ease of an image are each a matter of the two."""
    half = len(cells[0]) // 2
    person, item, own, rival = cells[0][:half], cells[1][:half], cells[2][:half], cells[2][half:]
    k, s = len(plan.effects), plan.spread
    taste = rng.normal(0, s.participant / np.sqrt(2), (plan.participants, k))
    ease = rng.normal(0, np.hypot(s.item, s.interaction) / np.sqrt(2), (plan.item_count, k))
    eta = duel_centres(plan)[own, rival] + taste[person, own] - taste[person, rival]
    won = rng.random(half) < special.expit(eta + ease[item, own] - ease[item, rival])
    return np.concatenate([won, ~won]).astype(np.float64)


def duel_centres(plan: Plan) -> FloatArray:
    """Intercepts of each column (row) against each other; linear shares give each column its planned one, (K, K)."""
    shares = np.array(list(plan.effects.values()))
    k = len(shares)
    wins = np.clip(0.5 + (shares[:, None] - shares[None, :]) * (k - 1) / k, 0.001, 0.999)
    return np.array([[intercept(float(share), plan.spread.random) for share in row] for row in wins])


def against(cells: Cells, columns: int, rng: np.random.Generator) -> Cells:
    """The cells of duels: those of the own columns, then of rivals drawn at random."""
    person, item, column = cells
    rival = (column + rng.integers(1, columns, len(column))) % columns
    return np.tile(person, 2), np.tile(item, 2), np.concatenate([column, rival])


def column_centres(plan: Plan) -> FloatArray:
    """Intercepts of the columns on the latent scale."""
    if plan.scale:
        sd = plan.point * float(np.hypot(plan.spread.random, plan.spread.residual))
        return np.array([latent_mean(v, sd, plan.scale, plan.whole) for v in plan.effects.values()])
    return np.array([intercept(v, plan.spread.random) for v in plan.effects.values()])


def p_values(y: FloatArray, cells: Cells, columns: int) -> list[float | None]:
    """Unadjusted p of every column against the first, by the report's confirmatory test; None: not estimable."""
    person, item, column = cells
    samples = [Sample(y[column == k], person[column == k], item[column == k]) for k in range(columns)]
    return [t_test(difference(other, samples[0])) for other in samples[1:]]


def power(
    plan: Plan,
    repetitions: int = 400,
    seed: int = 1,
    progress: Callable[[float, str], None] | None = None,
) -> PowerResult:
    """Share of simulated studies in which each column (and all of them) beats the reference after Holm.

    A comparison that cannot be estimated in a study finds nothing there. ``error`` is the Monte Carlo standard error at
    the worst case of one half.
    """
    cells, centres, rng = layout(plan), column_centres(plan), np.random.default_rng(seed)
    k = len(plan.effects)
    cells = against(cells, k, rng) if plan.duels else cells
    rejected = np.zeros((repetitions, k - 1), np.bool_)
    for r in range(repetitions):
        y = simulate(plan, rng, centres, cells)
        adjusted = holm(p_values(y, cells, k))
        rejected[r] = [p is not None and p < 1 - plan.level for p in adjusted]
        if progress and r % 20 == 0:
            progress(r / repetitions, f"{r} of {repetitions} simulated studies")
    names = list(plan.effects)[1:]
    return {
        "participants": plan.participants,
        "trials": plan.trials,
        "items": plan.item_count,
        "test": T_TEST,
        "power": dict(zip(names, rejected.mean(0).tolist(), strict=True)),
        "all": float(rejected.all(1).mean()),
        "repetitions": repetitions,
        "error": float(np.sqrt(0.25 / repetitions)),
    }
