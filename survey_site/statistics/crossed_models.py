"""Mixed models with crossed participants and images: logistic for shares, cumulative logit for ordered scores.

logit P(Y ≤ j) = α_j − (β_column + u_participant + v_image), u ~ N(0, σ_p²), v ~ N(0, σ_i²). A share is the case of two
levels, whose intercept is −α. Maximum likelihood by Laplace's approximation (Breslow & Clayton 1993, J. Am. Stat. Assoc.
88:9–25), as lme4's `glmer` and ordinal's `clmm` do; the tests hold it to their numbers. No kept library of Python fits the
crossed cumulative model: statsmodels' mixed GLMs are variational or Bayesian and binary or Poisson alone, gpboost has no
cumulative logit. A companion of the tests, never the confirmatory one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import linalg, optimize, special, stats

from survey_site.statistics import odds_models
from survey_site.statistics.comparison_types import CrossedModel
from survey_site.statistics.factor import FloatArray, IntArray
from survey_site.statistics.uncertainty import NO_BOUND, Sample

CELLS_MAX = 4_000_000  # of the table of participants by images
SPREAD_MAX = 20.0
AT_ZERO = 1e-3
STEP = 2e-3  # of the numerical second derivatives


@dataclass(frozen=True)
class Crossed:
    """Answers (N,) as levels 0..L−1, dummy columns (N, K−1), codes 0.. of participants and images without gaps."""

    level: IntArray
    levels: int
    x: FloatArray
    participant: IntArray
    item: IntArray
    names: tuple[str, ...]

    @property
    def sizes(self) -> tuple[int, int]:
        """Numbers of participants and of images."""
        return int(self.participant.max()) + 1, int(self.item.max()) + 1


def stack(samples: Mapping[str, Sample], reference: str) -> Crossed:
    """The columns' answers under each other, the reference without a dummy."""
    plain = odds_models.stack(samples, reference)
    values, level = np.unique(plain.y, return_inverse=True)
    return Crossed(level, len(values), plain.x, _codes(plain.participant), _codes(plain.item), plain.names)


def _codes(values: IntArray) -> IntArray:
    return np.asarray(np.unique(values, return_inverse=True)[1], np.int64)


class Laplace:
    """−2 log likelihood of the parameters (α_1, log steps between the α, β, σ_p, σ_i), random effects integrated out."""

    def __init__(self, data: Crossed) -> None:
        self.data = data
        self.u = np.zeros(sum(data.sizes))

    def parts(self, theta: FloatArray) -> tuple[FloatArray, FloatArray, float, float]:
        """α (L−1,), β (K−1,) and both deviations."""
        cuts, k = self.data.levels - 1, len(self.data.names)
        alpha = theta[0] + np.concatenate([[0.0], np.cumsum(np.exp(theta[1:cuts]))])
        return alpha, theta[cuts : cuts + k], abs(float(theta[-2])), abs(float(theta[-1]))

    def value(self, theta: FloatArray) -> float:
        """The deviance; the random effects' mode of the last call is where the search for the next begins."""
        alpha, beta, by_person, by_item = self.parts(theta)
        data = self.data
        people, items = data.sizes
        ends = np.concatenate([[-np.inf], alpha, [np.inf]])
        high, low = ends[data.level + 1], ends[data.level]
        fixed = data.x @ beta
        scale = np.r_[np.full(people, by_person), np.full(items, by_item)]

        def joint(u: FloatArray) -> tuple[float, FloatArray]:
            eta = fixed + by_person * u[data.participant] + by_item * u[people + data.item]
            return float(_log_share(high - eta, low - eta).sum()) - 0.5 * float(u @ u), eta

        u = self.u
        now, eta = joint(u)
        for _ in range(100):
            above, below = special.expit(high - eta), special.expit(low - eta)
            slope, weight = above + below - 1, above * (1 - above) + below * (1 - below)
            gradient = scale * self._sums(slope) - u
            step, log_det = self._solve(weight, by_person, by_item, gradient)
            decrement = float(gradient @ step)
            if decrement < 1e-14:
                break
            size = 1.0
            while True:
                later, eta_later = joint(u + size * step)
                if later >= now or size < 1e-6:
                    break
                size /= 2
            u, now, eta = u + size * step, later, eta_later
        self.u = u
        return -2 * now + log_det

    def _sums(self, values: FloatArray) -> FloatArray:
        people, items = self.data.sizes
        of_people = np.bincount(self.data.participant, values, people)
        return np.concatenate([of_people, np.bincount(self.data.item, values, items)]).astype(np.float64)

    def _solve(
        self, weight: FloatArray, by_person: float, by_item: float, right: FloatArray
    ) -> tuple[FloatArray, float]:
        """Solution of H·s = right and log |H|, H = 1 + ΛZ'WZΛ: diagonal blocks, so that one Schur complement is factored."""
        people, items = self.data.sizes
        sums = self._sums(weight)
        flat = self.data.participant * items + self.data.item
        table = by_person * by_item * np.bincount(flat, weight, people * items).reshape(people, items)
        d_person, d_item = 1 + by_person**2 * sums[:people], 1 + by_item**2 * sums[people:]
        r_person, r_item = right[:people], right[people:]
        swapped = people < items
        if swapped:
            table, d_person, d_item, r_person, r_item = table.T, d_item, d_person, r_item, r_person
        schur = np.diag(d_item) - table.T @ (table / d_person[:, None])
        factor = linalg.cho_factor(schur, lower=True)
        s_item = linalg.cho_solve(factor, r_item - table.T @ (r_person / d_person))
        s_person = (r_person - table @ s_item) / d_person
        log_det = float(np.log(d_person).sum() + 2 * np.log(np.diag(factor[0])).sum())
        return np.r_[s_item, s_person] if swapped else np.r_[s_person, s_item], log_det


def _log_share(high: FloatArray, low: FloatArray) -> FloatArray:
    """log(logistic(high) − logistic(low)) without loss where both lie far out on one side."""
    with np.errstate(invalid="ignore", over="ignore"):
        gap = np.where(np.isinf(high) | np.isinf(low), np.inf, high - low)
        return np.asarray(
            special.log_expit(high) + special.log_expit(-low) + np.log1p(-np.exp(-gap)), np.float64
        )


def fit(
    samples: Mapping[str, Sample], reference: str, level: float, rows_max: int, seed: int
) -> CrossedModel:
    """Odds ratios against the reference with Wald intervals, and the deviations of participants and images (log-odds).

    Above `rows_max` answers a seeded sample of whole participants is fitted, and said so.
    """
    empty: CrossedModel = {"rows": [], "participant_sd": None, "item_sd": None, "note": "", "reason": None}
    if not len(samples.get(reference, ())) or sum(len(s) > 0 for s in samples.values()) < 2:
        return {**empty, "reason": "not estimable: needs two columns with answers"}
    samples, note = sampled(samples, rows_max, seed)
    if not len(samples[reference]):
        return {**empty, "reason": "not estimable: the sample holds no answer of the reference"}
    data = stack(samples, reference)
    if reason := _impossible(data):
        return {**empty, "reason": reason}
    deviance = Laplace(data)
    shares = np.clip(np.cumsum(np.bincount(data.level) / len(data.level))[:-1], 1e-6, 1 - 1e-6)
    alpha = special.logit(shares)
    start = np.r_[alpha[0], np.log(np.maximum(np.diff(alpha), 1e-3)), np.zeros(len(data.names)), 0.5, 0.5]
    bounds = [(-30.0, 30.0)] * (len(start) - 2) + [(0.0, SPREAD_MAX)] * 2
    # Two-sided differences: one-sided ones end the search short of the maximum.
    found = optimize.minimize(
        deviance.value,
        start,
        method="L-BFGS-B",
        jac="3-point",
        bounds=bounds,
        options={"ftol": 1e-13, "gtol": 1e-6, "maxls": 50},
    )
    theta = np.asarray(found.x, np.float64)
    free = np.ones(len(theta), np.bool_)
    free[-2:] = theta[-2:] > AT_ZERO
    theta = np.where(free, theta, 0.0)
    covariance = _covariance(deviance.value, theta, free)
    first = data.levels - 1
    beta = theta[first : first + len(data.names)]
    spread = np.sqrt(np.diag(covariance))[first : first + len(data.names)] if covariance is not None else None
    if spread is None or not np.isfinite(spread).all() or (np.abs(beta) > 15).any():
        return {**empty, "reason": "not estimable: the model did not converge", "note": note}
    if odds_models.unbounded(beta, spread, stats.norm(), level):
        return {**empty, "reason": NO_BOUND, "note": note}
    return {
        "rows": odds_models.odds_rows(data.names, beta, spread, stats.norm(), level),
        "participant_sd": float(theta[-2]),
        "item_sd": float(theta[-1]),
        "log_likelihood": -0.5 * deviance.value(theta),
        "note": note,
        "reason": None,
    }


def _impossible(data: Crossed) -> str | None:
    people, items = data.sizes
    if people < 3 or items < 3:
        return "not estimable: needs at least 3 participants and 3 images"
    if data.levels < 2:
        return "not estimable: all answers are the same"
    if people * items > CELLS_MAX:
        return "left out: more participants and images than the model's table holds"
    column = data.x @ np.arange(1, len(data.names) + 1)
    if any(len(np.unique(data.level[column == k])) < 2 for k in range(len(data.names) + 1)):
        return "not estimable: a column has one and the same answer throughout"
    return None


def sampled(samples: Mapping[str, Sample], rows_max: int, seed: int) -> tuple[dict[str, Sample], str]:
    """All answers, or those of as many participants, drawn at random, as give no more than `rows_max`; and what was done."""
    total = sum(len(s) for s in samples.values())
    if total <= rows_max:
        return dict(samples), ""
    counts = np.bincount(np.concatenate([s.participant for s in samples.values()]))
    order = np.random.default_rng(seed).permutation(np.flatnonzero(counts))
    chosen = order[np.cumsum(counts[order]) <= rows_max]
    kept = np.zeros(len(counts), np.bool_)
    kept[chosen] = True
    own = {
        name: Sample(
            s.y[kept[s.participant]], s.participant[kept[s.participant]], s.item[kept[s.participant]]
        )
        for name, s in samples.items()
    }
    return own, f"fitted to {len(chosen)} participants drawn at random of {int((counts > 0).sum())}"


def _covariance(
    function: Callable[[FloatArray], float], theta: FloatArray, free: np.ndarray
) -> FloatArray | None:
    """Of the parameters, from the second derivatives of −2 log L by central differences; 0 for those at their bound."""
    index = np.flatnonzero(free)
    steps = STEP * np.maximum(1.0, np.abs(theta))
    n = len(index)
    hessian = np.empty((n, n))

    def at(*moves: tuple[int, float]) -> float:
        moved = theta.copy()
        for place, by in moves:
            moved[place] += by * steps[place]
        return function(moved)

    centre = function(theta)
    for a in range(n):
        i = int(index[a])
        hessian[a, a] = (at((i, 1)) - 2 * centre + at((i, -1))) / steps[i] ** 2
        for b in range(a):
            j = int(index[b])
            mixed = at((i, 1), (j, 1)) - at((i, 1), (j, -1)) - at((i, -1), (j, 1)) + at((i, -1), (j, -1))
            hessian[a, b] = hessian[b, a] = mixed / (4 * steps[i] * steps[j])
    try:
        inverse = linalg.inv(hessian / 2)
    except (linalg.LinAlgError, ValueError):
        return None
    if not np.isfinite(inverse).all() or (np.diag(inverse) <= 0).any():
        return None
    full = np.zeros((len(theta), len(theta)))
    full[np.ix_(index, index)] = inverse
    return full
