"""Group-sequential boundaries: how much of α each planned look may spend, and what paths stop where.

The statistics of the looks are jointly normal, Z_k with mean θ√I_k and correlation √(I_j/I_k) for j < k (Jennison &
Turnbull 2000, ch. 3). The density of the paths that went on is carried from look to look by Gauss–Legendre quadrature
(Armitage, McPherson & Rowe 1969, J. R. Stat. Soc. A 132:235–244). Spending functions: Lan & DeMets 1983, Biometrika
70:659–663. No kept library of Python has them; the tests hold the numbers to published tables.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from scipy import optimize, special

from survey_site.statistics.factor import FloatArray
from survey_site.statistics.stopping import OBRIEN_FLEMING, POCOCK

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(96)
REACH = 8.0  # standard deviations around the mean beyond which no path is followed
LEAST = 1e-300  # probability that has a logarithm
FARTHEST = 12.0  # of a bound: nothing that can be told from 0 is spent beyond


def obrien_fleming(alpha: float, fraction: float) -> float:
    """4 − 4Φ(z₁₋α/₄/√t): spends almost nothing early. Two-sided: α/2 on each side."""
    return float(4 * special.ndtr(-special.ndtri(1 - alpha / 4) / np.sqrt(fraction)))


def pocock(alpha: float, fraction: float) -> float:
    """α·ln(1 + (e − 1)t): spends about as much at each look."""
    return float(alpha * np.log1p((np.e - 1) * fraction))


SPENDING: dict[str, Callable[[float, float], float]] = {OBRIEN_FLEMING: obrien_fleming, POCOCK: pocock}


def spent(spending: str, alpha: float, fractions: Sequence[float]) -> list[float]:
    """α spent up to each look; at the fraction 1 all of it."""
    return [alpha if fraction >= 1 else SPENDING[spending](alpha, fraction) for fraction in fractions]


def bounds(spending: str, alpha: float, fractions: Sequence[float]) -> FloatArray:
    """|Z| from which each look stops, (K,), so that under no effect exactly what is spent stops there.

    fractions: rising shares of the planned participants, the last 1 where all of α is to be spent.
    """
    return np.array(_bounds(spending, alpha, tuple(fractions)))


@lru_cache(maxsize=256)
def _bounds(spending: str, alpha: float, fractions: tuple[float, ...]) -> tuple[float, ...]:
    information = np.array([fractions])
    found: list[float] = []
    before = 0.0
    for k, total in enumerate(spent(spending, alpha, fractions)):
        paths = Paths(information[:, : k + 1], np.array([*found]), np.zeros(1))
        share, before = (total - before) / 2, total
        if paths.above(np.array([FARTHEST]))[0] >= share:
            found.append(FARTHEST)
            continue
        if paths.above(np.zeros(1))[0] <= share:
            found.append(0.0)
            continue

        def excess(c: float, paths: "Paths" = paths, share: float = share) -> float:
            return float(np.log(max(paths.above(np.array([c]))[0], LEAST)) - np.log(share))

        found.append(float(optimize.brentq(excess, 0.0, FARTHEST, xtol=1e-10)))
    return tuple(found)


def nominal(bound: FloatArray) -> FloatArray:
    """The two-sided p of one look's test that its bound stands for."""
    return np.asarray(2 * special.ndtr(-bound), np.float64)


class Paths:
    """The paths that went on at all looks but the last, for R cases at once.

    information (R, K): rising, of each look; bounds (K − 1,): |Z| of the looks before the last; theta (R,): true effects.
    """

    def __init__(self, information: FloatArray, bounds: FloatArray, theta: FloatArray) -> None:
        self.theta = theta
        self.root = np.sqrt(information)
        self.stopped_above = np.zeros(len(theta))  # at one of the looks before the last
        self.stopped = np.zeros(len(theta))
        self.z: FloatArray | None = None
        self.mass: FloatArray | None = None  # density × weight of each node
        for k, bound in enumerate(bounds):
            self._pass(k, float(bound))
        self.k = len(bounds)

    def _pass(self, k: int, bound: float) -> None:
        self.k = k
        up, down = self.above(np.full(len(self.theta), bound)), self.below(np.full(len(self.theta), -bound))
        self.stopped_above += up
        self.stopped += up + down
        mean = self.theta * self.root[:, k]
        low, high = np.clip(mean - REACH, -bound, bound), np.clip(mean + REACH, -bound, bound)
        half = (high - low) / 2
        z = ((high + low) / 2)[:, None] + half[:, None] * _NODES
        self.mass = self._density(z) * half[:, None] * _WEIGHTS
        self.z = z

    def _density(self, z: FloatArray) -> FloatArray:
        """Of the paths that went on so far, at the points z (R, N) of look k."""
        if self.z is None or self.mass is None:
            return _normal(z - (self.theta * self.root[:, 0])[:, None])
        now, step, drift = self._step()
        gap = z[:, :, None] * now[:, None, None] - self._carried()[:, None, :] - drift[:, None, None]
        kernel = _normal(gap / step[:, None, None]) * (now / step)[:, None, None]
        return np.asarray(np.einsum("rij,rj->ri", kernel, self.mass), np.float64)

    def _step(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """√I_k, √(I_k − I_{k−1}) and θ(I_k − I_{k−1}), (R,) each."""
        now, before = self.root[:, self.k], self.root[:, self.k - 1]
        gained = now**2 - before**2
        return now, np.sqrt(gained), self.theta * gained

    def _carried(self) -> FloatArray:
        assert self.z is not None
        return self.z * self.root[:, self.k - 1][:, None]

    def above(self, z: FloatArray) -> FloatArray:
        """P(went on before look k, Z_k ≥ z), (R,)."""
        return self._tail(z, -1.0)

    def below(self, z: FloatArray) -> FloatArray:
        """P(went on before look k, Z_k ≤ z), (R,)."""
        return self._tail(z, 1.0)

    def _tail(self, z: FloatArray, side: float) -> FloatArray:
        if self.z is None or self.mass is None:
            return np.asarray(special.ndtr(side * (z - self.theta * self.root[:, 0])), np.float64)
        now, step, drift = self._step()
        gap = ((z * now - drift)[:, None] - self._carried()) / step[:, None]
        return np.asarray((special.ndtr(side * gap) * self.mass).sum(axis=1), np.float64)


def _normal(z: FloatArray) -> FloatArray:
    return np.asarray(np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi), np.float64)
