"""People beside synthetic observers on the same trials: accuracy, what people know beyond, agreement of errors."""

from typing import Any

import numpy as np

from survey_site.statistics import comparisons
from survey_site.statistics.data import Trials
from survey_site.statistics.estimates import share
from survey_site.statistics.factor import FloatArray
from survey_site.statistics.point import whole_if_it_is
from survey_site.statistics.uncertainty import (
    NO_VARIATION,
    TOO_FEW,
    Interval,
    Sample,
    degrees_of_freedom,
    mean_contrast,
    quantile,
    two_way_variance,
)


def known(trials: Trials) -> list[str]:
    """The observers that chose in any of these trials, in the order in which they are stored first."""
    return list(dict.fromkeys(observer for row in trials.observed.values for observer in row))


def right(trials: Trials, observer: str) -> FloatArray:
    """1 where the observer chose the right candidate, else 0, (N,); NaN where it was not tried."""
    found = [row.get(observer, {}).get("right", np.nan) for row in trials.observed.values]
    return _spread(trials, np.array([*found, np.nan], np.float64))


def _spread(trials: Trials, values: FloatArray) -> FloatArray:
    """Values of the different rows to all trials; the last is that of a trial without any."""
    return np.asarray(values[trials.observed.codes], np.float64)


def beside(trials: Trials, level: float) -> dict[str, dict[str, Any]]:
    """By observer, for one column: its accuracy on the trials that were shown, and how people compare on these.

    accuracy: a share with the two-way interval of people, whose clusters the trials keep. beyond: people minus observer
    on the trials with both. agreement: of their errors.
    """
    return {
        observer: {
            "accuracy": share(trials.with_values(right(trials, observer)), level),
            "beyond": beyond(trials, observer, level),
            "agreement": agreement(trials, observer, level),
        }
        for observer in known(trials)
    }


def _both(trials: Trials, observer: str) -> tuple[Trials, FloatArray]:
    """The trials that a person answered and the observer was tried on, and the observer's score."""
    machine = right(trials, observer)
    there = ~np.isnan(trials.value) & ~np.isnan(machine)
    return trials.select(there), machine[there]


def beyond(trials: Trials, observer: str, level: float) -> dict[str, Any]:
    """People minus observer, in points of percent, paired trial by trial, with a two-way interval and its p."""
    own, machine = _both(trials, observer)
    if not len(own):
        return {"n": 0, "difference_percent": None, "ci": None, "p": None, "reason": TOO_FEW}
    sample = Sample(own.value - machine, own.participant.codes, own.item.codes)
    found = mean_contrast(sample, level)
    cut = found.interval.pair(100)
    return {
        "n": len(own),
        "difference_percent": None if found.value is None else whole_if_it_is(100 * found.value),
        "ci": [max(cut[0], -100.0), min(cut[1], 100.0)] if cut else None,
        "p": comparisons.t_test(found),
        "reason": found.interval.reason,
    }


def agreement(trials: Trials, observer: str, level: float) -> dict[str, Any]:
    """Whether people err where the observer errs: Cohen's κ of right and wrong, corrected for how often each is right.

    Error consistency (Geirhos, Meding and Wichmann 2020): κ = (o − e)/(1 − e), o the share of trials in which both are
    right or both wrong, e = pq + (1 − p)(1 − q). same: of the trials in which both chose wrongly, the share in which they
    chose the same image. The interval is that of the two-way influence values.
    """
    own, machine = _both(trials, observer)
    same, wrong = _same_errors(own, observer, machine)
    found: dict[str, Any] = {
        "n": len(own),
        "kappa": None,
        "ci": None,
        "same": same,
        "both_wrong": wrong,
        "reason": None,
    }
    if not len(own):
        return found | {"reason": TOO_FEW}
    person = own.value
    p, q = float(person.mean()), float(machine.mean())
    expected = p * q + (1 - p) * (1 - q)
    if p in (0.0, 1.0) or q in (0.0, 1.0):  # κ would be 0 whatever the other does
        return found | {"reason": NO_VARIATION}
    both = (person == machine).astype(np.float64)
    observed = float(both.mean())
    kappa = (observed - expected) / (1 - expected)
    moved = (2 * q - 1) * (person - p) + (2 * p - 1) * (machine - q)
    psi = (both - observed) / (1 - expected) - (1 - observed) / (1 - expected) ** 2 * moved
    return found | {"kappa": kappa, **_interval(psi, own, kappa, level)}


def _interval(psi: FloatArray, own: Trials, kappa: float, level: float) -> dict[str, Any]:
    sample = Sample(psi, own.participant.codes, own.item.codes)
    df = degrees_of_freedom(sample)
    if df < 1:
        return {"reason": TOO_FEW}
    variance = two_way_variance(psi / len(psi), sample.participant, sample.item)
    half = quantile(level, df) * float(np.sqrt(variance))
    return {"ci": Interval(max(kappa - half, -1.0), min(kappa + half, 1.0), df).pair()}


def _same_errors(own: Trials, observer: str, machine: FloatArray) -> tuple[float | None, int]:
    """Of the trials in which both chose an image, and a wrong one, the share with the same; and how many those are."""
    chosen = [row.get(observer, {}).get("choice", "") for row in own.observed.values]
    labels = {label: code for code, label in enumerate(own.choice.labels)}
    codes = np.array([*(labels.get(choice, -2 if choice else -3) for choice in chosen), -3])
    theirs = codes[own.observed.codes]
    both = (own.value == 0) & (machine == 0) & ~own.declined & (theirs != -3)
    number = int(both.sum())
    return (float((theirs[both] == own.choice.codes[both]).mean()) if number else None), number
