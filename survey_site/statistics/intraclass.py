"""The intraclass correlation of crossed raters and targets, with whatever ratings there are (statistics.md, section 5)."""

import numpy as np
from scipy import linalg, optimize, sparse

from survey_site.statistics.factor import FloatArray, IntArray
from survey_site.statistics.report_types import IntraclassCorrelation

MODEL_CELLS_MAX = 16_000_000  # 128 MB
AT_ZERO = 1e-4  # of a factor, likewise
SPREAD_MAX = 1000.0  # of a factor, in standard deviations of the residual


def icc(target: IntArray, rater: IntArray, score: FloatArray) -> IntraclassCorrelation:
    """ICC(2,1) and ICC(2,k) from crossed random effects of target and rater by REML; all arrays (N,).

    Uses every rating (no listwise deletion). k̃ is the harmonic mean of ratings per target. The REML
    criterion is profiled as in Bates et al. 2015 (J. Stat. Softw. 67:1, eq. 42) and checked against
    statsmodels' MixedLM in the tests, whose dense matrices do not reach past a few hundred ratings.
    """
    t, r = np.unique(target, return_inverse=True)[1], np.unique(rater, return_inverse=True)[1]
    k_t, k_r = int(t.max(initial=-1)) + 1, int(r.max(initial=-1)) + 1
    reason = None
    if k_t < 2 or k_r < 2 or len(score) <= max(k_t, k_r):
        reason = "not estimable: needs 2 raters and 2 targets, crossed"
    elif float(np.ptp(score)) == 0:
        reason = "not estimable: all scores are the same"
    elif _matrix_cells(t, r) > MODEL_CELLS_MAX:
        reason = "left out: more raters and targets than the model's matrices hold"
    if reason:
        return {"icc_2_1": None, "icc_2_k": None, "reason": reason}
    var_t, var_r, var_e = _reml(t, r, score) if k_t >= k_r else _swapped(_reml(r, t, score))
    k = float(k_t / (1 / np.bincount(t)).sum())
    return {
        "icc_2_1": var_t / (var_t + var_r + var_e),
        "icc_2_k": var_t / (var_t + (var_r + var_e) / k),
        "k": k,
        "variance": {"target": var_t, "rater": var_r, "residual": var_e},
        "reason": None,
    }


def _matrix_cells(t: IntArray, r: IntArray) -> int:
    """Cells of the model's matrices: one square of the smaller side for each number of ratings on the larger."""
    more, fewer = sorted((np.bincount(t), np.bincount(r)), key=len, reverse=True)
    return len(fewer) ** 2 * len(np.unique(more))


def _swapped(variances: tuple[float, float, float]) -> tuple[float, float, float]:
    return variances[1], variances[0], variances[2]


def _reml(a: IntArray, b: IntArray, y: FloatArray) -> tuple[float, float, float]:
    """Variances of factor a (the one with more levels), factor b and the residual by REML.

    Both incidence matrices have one 1 per row, so a's block of Z'Z is diagonal and only b's Schur
    complement needs a Cholesky factor. Levels of a with equally many ratings enter it with one weight:
    their cross products are added up once, so that a step costs the same for ten raters and ten thousand.
    """
    n, y = len(y), y - y.mean()
    n_a, n_b = np.bincount(a).astype(float), np.bincount(b).astype(float)
    table = sparse.csr_array((np.ones(n), (a, b)), shape=(len(n_a), len(n_b)))
    sums_a = np.stack([n_a, np.bincount(a, y)], 1)
    sums_b = np.stack([n_b, np.bincount(b, y)], 1)
    totals = np.array([[n, 0.0], [0.0, float(y @ y)]])  # cross products of (1, y); Σy = 0 by centring
    sizes, levels = np.unique(n_a, return_counts=True)
    alike = [np.flatnonzero(n_a == size) for size in sizes]
    between_b = np.stack([(table[rows].T @ table[rows]).toarray() for rows in alike])
    b_with_a = np.stack([table[rows].T @ sums_a[rows] for rows in alike])
    within_a = np.stack([sums_a[rows].T @ sums_a[rows] for rows in alike])

    def parts(theta: FloatArray) -> tuple[float, float]:
        diagonal = theta[0] ** 2 * sizes + 1
        weight = theta[0] ** 2 / diagonal
        schur = np.diag(theta[1] ** 2 * n_b + 1) - theta[1] ** 2 * np.tensordot(weight, between_b, 1)
        chol = linalg.cholesky(schur, lower=True)
        u_b = linalg.solve_triangular(
            chol, theta[1] * (sums_b - np.tensordot(weight, b_with_a, 1)), lower=True
        )
        m = totals - np.tensordot(weight, within_a, 1) - u_b.T @ u_b
        rss = float(m[1, 1] - m[0, 1] ** 2 / m[0, 0])
        log_det = float(levels @ np.log(diagonal) + 2 * np.log(np.diag(chol)).sum() + np.log(m[0, 0]))
        return rss, log_det + (n - 1) * (1 + np.log(2 * np.pi * rss / (n - 1)))

    def criterion(theta: FloatArray) -> float:
        return parts(theta)[1] / n  # per rating: else the first step of a large study leaps out of all reason

    bounds = optimize.Bounds(np.zeros(2), np.full(2, SPREAD_MAX))

    def fit(start: FloatArray) -> optimize.OptimizeResult:
        return optimize.minimize(criterion, start, method="L-BFGS-B", bounds=bounds, tol=1e-13)

    found = min((fit(np.full(2, start)) for start in (1.0, 0.3)), key=lambda one: float(one.fun))
    # The criterion is even in both, so its slope at 0 is 0 even where 0 is a peak: a search that a step threw there stays.
    if (found.x < AT_ZERO).any():
        starts = (np.where(found.x < AT_ZERO, inside, found.x) for inside in (0.03, 0.1, 0.3, 1.0))
        found = min((found, *map(fit, starts)), key=lambda one: float(one.fun))
    best = found.x
    var_e = parts(best)[0] / (n - 1)
    return float(best[0] ** 2 * var_e), float(best[1] ** 2 * var_e), float(var_e)
