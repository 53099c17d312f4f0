"""What the sealed stopping rule says at a look, and the report of a study that had looks. Pure; SciPy."""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import stats

from survey_site.statistics.boundaries import bounds, nominal
from survey_site.statistics.comparisons import holm
from survey_site.statistics.sequential import corrected, limits, sequential_p
from survey_site.statistics.stopping import StoppingRule
from survey_site.statistics.stopping_types import LookedContrast, LookLine, StoppingRow, TakenLook
from survey_site.statistics.uncertainty import Sample, difference

NOT_LOOKED_AT = "not estimable: no look was taken"


def contrasts(
    samples: Mapping[str, Sample], reference: str, columns: Sequence[str], level: float
) -> dict[str, LookedContrast]:
    """Each of these columns minus the reference by the report's two-way clustered variance."""
    empty = Sample(np.empty(0), np.empty(0, np.int64), np.empty(0, np.int64))
    found: dict[str, LookedContrast] = {}
    for name in columns:
        contrast = difference(samples.get(name, empty), samples.get(reference, empty), level)
        known = bool(contrast.variance) and contrast.df is not None
        found[name] = {
            "difference": contrast.value,
            "variance": contrast.variance if known else None,
            "df": contrast.df,
            "reason": None if known else contrast.interval.reason,
        }
    return found


def p_of(found: LookedContrast | None) -> float | None:
    """Two-sided p of one look's t; `None` where it cannot be estimated."""
    if found is None or found["difference"] is None or not found["variance"] or not found["df"]:
        return None
    return float(2 * stats.t.sf(abs(found["difference"]) / np.sqrt(found["variance"]), found["df"]))


def adjusted(rule: StoppingRule, looks: Sequence[TakenLook]) -> dict[str, tuple[float | None, float | None]]:
    """By column its p of all looks so far, and the same corrected by Holm over the contrasts of the rule."""
    names = _columns(looks)
    fractions = [look["fraction"] for look in looks]
    alone = [
        sequential_p(rule.spending, fractions, [p_of(look["found"].get(name)) for look in looks])
        for name in names
    ]
    # A contrast that cannot be estimated is not rejected and keeps its share of α: the family was sealed.
    together = holm([1.0 if p is None else p for p in alone])
    return {
        name: (p, None if p is None else corrected_p)
        for name, p, corrected_p in zip(names, alone, together, strict=True)
    }


def is_reached(rule: StoppingRule, looks: Sequence[TakenLook], alpha: float) -> bool:
    """Whether every contrast of the rule has crossed its boundary at one of these looks."""
    found = adjusted(rule, looks)
    return bool(found) and all(p is not None and p <= alpha for _, p in found.values())


def lines(rule: StoppingRule, looks: Sequence[TakenLook], alpha: float, contrasts: int) -> list[LookLine]:
    """The looks that were taken, and those that are still planned."""
    over = bool(looks) and (looks[-1]["closing"] or is_reached(rule, looks, alpha))
    planned = [] if over else list(enumerate(rule.looks, start=1))[len(looks) :]
    fractions = [look["fraction"] for look in looks] + [n / rule.looks[-1] for _, n in planned]
    levels = nominal(bounds(rule.spending, alpha / max(contrasts, 1), fractions)).tolist()
    taken: list[LookLine] = [
        {
            "number": look["number"],
            "planned": look["planned"],
            "participants": look["participants"],
            "closing": look["closing"],
            "taken_at": look["taken_at"],
            "level": levels[place],
            "reached": is_reached(rule, looks[: place + 1], alpha),
        }
        for place, look in enumerate(looks)
    ]
    return taken + [
        {
            "number": number,
            "planned": n,
            "participants": None,
            "closing": False,
            "taken_at": None,
            "level": levels[number - 1],
            "reached": None,
        }
        for number, n in planned
    ]


def rows(rule: StoppingRule, looks: Sequence[TakenLook], level: float) -> list[StoppingRow]:
    """Every contrast of the rule with the estimate that the stopping has not biased."""
    return [_row(rule, looks, name, p, p_holm, level) for name, (p, p_holm) in adjusted(rule, looks).items()]


def _columns(looks: Sequence[TakenLook]) -> list[str]:
    return list(dict.fromkeys(name for look in looks for name in look["found"]))


def _row(
    rule: StoppingRule,
    looks: Sequence[TakenLook],
    name: str,
    p: float | None,
    p_holm: float | None,
    level: float,
) -> StoppingRow:
    """The estimate rests on the look at which the contrast's own share of α stopped it first, else on the last."""
    alpha = 1 - level
    row: StoppingRow = {
        "column": name, "difference": None, "ci": None, "t": None, "df": None, "p": p, "p_holm": p_holm,
        "significant": None if p_holm is None else p_holm <= alpha, "look": None, "reason": None,
    }  # fmt: skip
    found = [look["found"].get(name) for look in looks]
    ps = [p_of(one) for one in found]
    bound = bounds(rule.spending, alpha / len(_columns(looks)), [look["fraction"] for look in looks])
    levels = nominal(bound)
    crossed = [k for k, one in enumerate(ps) if one is not None and one <= levels[k]]
    last = crossed[0] if crossed else len(looks) - 1
    at = found[last]
    if at is None or ps[last] is None:
        told = at.get("reason") if at else None
        return {**row, "reason": told or NOT_LOOKED_AT}
    # A look that could not be estimated could not stop anything.
    before = [k for k in range(last) if ps[k] is not None]
    spread = [one["variance"] for one in (found[k] for k in before) if one is not None and one["variance"]]
    df = np.array(
        [one["df"] for one in (found[k] for k in before) if one is not None and one["df"]], np.float64
    )
    value, variance, own_df = at["difference"] or 0.0, at["variance"] or 0.0, at["df"] or 1
    median, low, high = corrected(
        value, [*spread, variance], own_df, limits(bound[np.array(before, np.int64)], df), level
    )
    return {
        **row,
        "difference": median,
        "ci": [low, high],
        "t": value / float(np.sqrt(variance)),
        "df": own_df,
        "look": looks[last]["number"],
    }
