"""Model-based companions of the tests: odds ratios by GEE and by the ordinal model. Sensitivity only.

Both are left out, with the reason, where they would mislead: GEE on a column at 0 % or 100 % silently
returns a large finite coefficient with a small standard error.
"""

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy import stats
from statsmodels.miscmodels.ordinal_model import OrderedModel

from survey_site.statistics.comparison_types import OddsRatios
from survey_site.statistics.factor import FloatArray
from survey_site.statistics.odds_models import Stacked, odds_rows, stack, unbounded
from survey_site.statistics.uncertainty import NO_BOUND, Sample, clusters


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
    data = stack(samples, reference)
    order = np.argsort(data.participant, kind="stable")
    model = sm.GEE(
        data.y[order],
        sm.add_constant(data.x[order], has_constant="add"),
        groups=data.participant[order],
        family=sm.families.Binomial(),
        cov_struct=sm.cov_struct.Exchangeable(),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = model.fit(cov_type="bias_reduced")
    if not fit.converged:
        return {"reason": "not estimable: the model did not converge", "rows": []}
    law = stats.t(clusters(data.participant) - 1)
    return _odds(data, fit.params[1:], fit.bse[1:], law, level)


def _gee_reason(samples: Mapping[str, Sample], reference: str) -> str | None:
    filled = [s for s in samples.values() if len(s)]
    if not len(samples[reference]) or len(filled) < 2:
        return "not estimable: needs two columns with answers"
    if any(s.y.mean() in (0.0, 1.0) for s in filled):
        return "not estimable: a column is at 0 % or 100 %"
    if clusters(*(s.participant for s in filled)) < 3:
        return "not estimable: needs at least 3 participants"
    return None


def _odds(data: Stacked, beta: FloatArray, se: FloatArray, law: Any, level: float) -> OddsRatios:
    if not (np.isfinite(beta).all() and np.isfinite(se).all() and (se > 0).all()):
        return {"reason": "not estimable: no finite standard error", "rows": []}
    if unbounded(beta, se, law, level):
        return {"reason": NO_BOUND, "rows": []}
    return {"reason": None, "rows": odds_rows(data.names, beta, se, law, level)}


def ordinal_odds_ratios(
    samples: Mapping[str, Sample], reference: str, level: float = 0.95, rows_max: int = 50_000
) -> OddsRatios:
    """Cumulative odds ratios of ordered scores: proportional odds (McCullagh 1980), errors clustered by participant."""
    filled = [s for s in samples.values() if len(s)]
    if not len(samples[reference]) or len(filled) < 2:
        return {"reason": "not estimable: needs two columns with answers", "rows": []}
    reason = _too_large(samples, rows_max)
    data = stack(samples, reference)
    if len(np.unique(data.y)) < 2:
        reason = "not estimable: all scores are the same"
    elif any(len(np.unique(s.y)) < 2 for s in filled):
        reason = "not estimable: a column has one score only"
    elif clusters(data.participant) < 3:
        reason = "not estimable: needs at least 3 participants"
    elif len(data.y) <= len(np.unique(data.y)) - 1 + len(data.names):
        reason = "not estimable: no more answers than the model has parameters"
    if reason:
        return {"reason": reason, "rows": []}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fit = OrderedModel(pd.Series(pd.Categorical(data.y, ordered=True)), data.x, distr="logit").fit(
                method="bfgs", cov_type="cluster", cov_kwds={"groups": data.participant}, disp=False
            )
    except (np.linalg.LinAlgError, ValueError) as error:
        return {"reason": f"not estimable: {error}", "rows": []}
    k = len(data.names)
    return _odds(data, np.asarray(fit.params)[:k], np.asarray(fit.bse)[:k], stats.norm(), level)
