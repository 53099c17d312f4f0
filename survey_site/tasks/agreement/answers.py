"""Reads how sure somebody is that a prediction is right, and scores whether they found it out. Pure functions.

The prediction is right where its label names the class that the study gives the image.
"""

from collections.abc import Mapping

from survey_site.tasks.agreement.scale import EXTREMES, HIGHEST, LOWEST, SAYS_RIGHT, STEPS
from survey_site.tasks.contract import AnswerRefused, Chance, Given, Reading, Scored, Truth, Values
from survey_site.tasks.fields import whole
from survey_site.tasks.predictions import is_right

FLAGS = ("prediction_right", "found_out")
KEYS = {"sure", "label", *FLAGS}


def read(fields: Mapping[str, str], reading: Reading) -> Given:
    """The step, 1 (definitely wrong) to 4 (definitely right), in the field `sure`. Raises AnswerRefused."""
    step = whole(fields.get("sure", ""), STEPS)
    if step is None:
        raise AnswerRefused("sure")
    return Given({"sure": step})


def score(given: Given, truth: Truth) -> Scored:
    """1 where a right prediction was thought right, or a wrong one wrong; in a check, the extreme that was chosen."""
    step = given.values["sure"]
    right = bool(is_right(truth.label, truth.classes.get(truth.target, "")))
    found_out = (step in SAYS_RIGHT) == right
    values = {
        "sure": step,
        "label": truth.label,
        "prediction_right": int(right),
        "found_out": int(found_out),
    }
    if truth.expected is None:
        return Scored(values, float(found_out))
    asked = truth.expected
    return Scored(values, float(asked if step == EXTREMES[asked] else 1 - asked))


def refuse(values: Values) -> str:
    """Why stored values are no judgement; empty where they are one."""
    if set(values) != KEYS or not isinstance(values["label"], str):
        return f"a judgement has {', '.join(sorted(KEYS))}, not {values!r}"
    if type(values["sure"]) is not int or values["sure"] not in STEPS:
        return f"sure is a whole number from {LOWEST} to {HIGHEST}, not {values!r}"
    if not all(type(values[key]) is int and values[key] in (0, 1) for key in FLAGS):
        return f"prediction_right and found_out are 0 or 1, not {values!r}"
    return ""


def guess(truth: Truth) -> Chance:
    """One in two, since half of the predictions are wrong."""
    return Chance(0.5)


def secret(truth: Truth) -> str:
    """Whether the prediction is right, which nothing but label, photo and map may tell."""
    right = is_right(truth.label, truth.classes.get(truth.target, ""))
    return "" if right is None else "right" if right else "wrong"
