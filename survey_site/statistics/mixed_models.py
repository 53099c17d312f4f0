"""Model-based companions of the tests: odds ratios by GEE and by the ordinal model. Sensitivity only.

Both are left out, with the reason, where they would mislead: GEE on a column at 0 % or 100 % silently
returns a large finite coefficient with a small standard error.
"""

import warnings
from collections.abc import Mapping

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy import stats
from statsmodels.miscmodels.ordinal_model import OrderedModel

from survey_site.statistics.factor import FloatArray, IntArray
from survey_site.statistics.report_types import OddsRatio, OddsRatios
from survey_site.statistics.uncertainty import Sample, clusters


def _stack(
    samples: Mapping[str, Sample], reference: str
) -> tuple[FloatArray, FloatArray, IntArray, list[str]]:
    """Answers (N,), dummy columns (N, K−1), participants (N,), names of the dummies."""
    names = [n for n in samples if n != reference and len(samples[n])]
    used = [reference, *names]
    y = np.concatenate([samples[n].y for n in used])
    participant = np.concatenate([samples[n].participant for n in used])
    member = np.concatenate([np.full(len(samples[n]), k) for k, n in enumerate(used)])
    return y, (member[:, None] == np.arange(1, len(used))).astype(float), participant, names


def _too_large(samples: Mapping[str, Sample], limit: int) -> str | None:
    n = sum(len(s) for s in samples.values())
    return f"left out above {limit} answers: the primary test does not need it" if n > limit else None


def gee_odds_ratios(
    samples: Mapping[str, Sample], reference: str, level: float = 0.95, rows_max: int = 50_000
) -> OddsRatios:
    """Odds ratios against the reference: binomial GEE, exchangeable within participants.

    Standard errors bias-reduced (Mancl & DeRouen 2001), t with P − 1 degrees of freedom. Type I error 6.7 %
    where the nominal is 5 %: beside the primary test, never instead of it.
    """
    reason = _gee_reason(samples, reference) or _too_large(samples, rows_max)
    if reason:
        return {"reason": reason, "rows": []}
    y, dummies, participant, names = _stack(samples, reference)
    order = np.argsort(participant, kind="stable")
    model = sm.GEE(
        y[order],
        sm.add_constant(dummies[order], has_constant="add"),
        groups=participant[order],
        family=sm.families.Binomial(),
        cov_struct=sm.cov_struct.Exchangeable(),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = model.fit(cov_type="bias_reduced")
    if not fit.converged:
        return {"reason": "not estimable: the model did not converge", "rows": []}
    return _odds(names, fit.params[1:], fit.bse[1:], clusters(participant) - 1, level)


def _gee_reason(samples: Mapping[str, Sample], reference: str) -> str | None:
    filled = [s for s in samples.values() if len(s)]
    if not len(samples[reference]) or len(filled) < 2:
        return "not estimable: needs two columns with answers"
    if any(s.y.mean() in (0.0, 1.0) for s in filled):
        return "not estimable: a column is at 0 % or 100 %"
    if clusters(*(s.participant for s in filled)) < 3:
        return "not estimable: needs at least 3 participants"
    return None


def _odds(names: list[str], beta: FloatArray, se: FloatArray, df: int | None, level: float) -> OddsRatios:
    law = stats.norm() if df is None else stats.t(df)
    half = law.ppf(0.5 + level / 2) * se
    if not (np.isfinite(beta).all() and np.isfinite(se).all() and (se > 0).all()):
        return {"reason": "not estimable: no finite standard error", "rows": []}
    rows: list[OddsRatio] = [
        {
            "column": n,
            "odds_ratio": float(np.exp(b)),
            "ci": [float(np.exp(b - h)), float(np.exp(b + h))],
            "p": float(2 * law.sf(abs(b / s))),
        }
        for n, b, h, s in zip(names, beta, half, se, strict=True)
    ]
    return {"reason": None, "rows": rows}


def ordinal_odds_ratios(
    samples: Mapping[str, Sample], reference: str, level: float = 0.95, rows_max: int = 50_000
) -> OddsRatios:
    """Cumulative odds ratios of ordered scores: proportional odds (McCullagh 1980), errors clustered by participant."""
    filled = [s for s in samples.values() if len(s)]
    if not len(samples[reference]) or len(filled) < 2:
        return {"reason": "not estimable: needs two columns with answers", "rows": []}
    reason = _too_large(samples, rows_max)
    y, dummies, participant, names = _stack(samples, reference)
    if len(np.unique(y)) < 2:
        reason = "not estimable: all scores are the same"
    elif any(len(np.unique(s.y)) < 2 for s in filled):
        reason = "not estimable: a column has one score only"
    elif clusters(participant) < 3:
        reason = "not estimable: needs at least 3 participants"
    if reason:
        return {"reason": reason, "rows": []}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fit = OrderedModel(pd.Series(pd.Categorical(y, ordered=True)), dummies, distr="logit").fit(
                method="bfgs", cov_type="cluster", cov_kwds={"groups": participant}, disp=False
            )
    except (np.linalg.LinAlgError, ValueError) as error:
        return {"reason": f"not estimable: {error}", "rows": []}
    k = len(names)
    return _odds(names, np.asarray(fit.params)[:k], np.asarray(fit.bse)[:k], None, level)
