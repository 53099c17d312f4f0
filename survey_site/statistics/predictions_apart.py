"""Answers to right and to wrong predictions of a network apart, as tasks store which is which."""

import numpy as np

from survey_site.statistics.column_types import AnsweredShare
from survey_site.statistics.data import Trials
from survey_site.statistics.estimates import share
from survey_site.statistics.factor import BoolArray


def right_ones(trials: Trials) -> BoolArray:
    """Of which trials the prediction is right, as it was when they were scored, (N,)."""
    return np.asarray(trials.answers.numbers("prediction_right") == 1, np.bool_)


def apart(trials: Trials, level: float) -> dict[str, AnsweredShare]:
    """The share of scores of 1 of right and of wrong predictions, each with its interval."""
    answered = trials.answered()
    right = right_ones(answered)
    return {
        "on_right": share(answered.select(right), level),
        "on_wrong": share(answered.select(~right), level),
    }
