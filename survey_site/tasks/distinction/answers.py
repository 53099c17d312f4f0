"""Reads which of four maps is thought to be of the predicted class, and how surely; scores it. Pure functions."""

from collections.abc import Mapping

from survey_site.tasks.contract import AnswerRefused, Chance, Given, Reading, Scored, Truth, Values
from survey_site.tasks.fields import whole
from survey_site.tasks.predictions import is_right

MAPS = 4
CONFIDENCE = range(1, 5)
ASKED = 2  # a check asks for one of the first two maps, whose places are scores
FLAGS = ("told", "prediction_right")
KEYS = {"picked", "confidence", "label", *FLAGS}


def read(fields: Mapping[str, str], reading: Reading) -> Given:
    """The place of the chosen map, from 0, in the field `picked`, and 1 to 4 in `confidence`. Raises AnswerRefused."""
    place = whole(fields.get("picked", ""), range(reading.maps))
    if place is None:
        raise AnswerRefused("picked")
    confidence = whole(fields.get("confidence", ""), CONFIDENCE)
    if confidence is None:
        raise AnswerRefused("confidence")
    return Given({"picked": place, "confidence": confidence})


def score(given: Given, truth: Truth) -> Scored:
    """1 where the map of the predicted class was picked, whether the prediction is right or not; a check scores places."""
    place = given.values["picked"]
    told = int(place == truth.first)
    values = {
        "picked": place,
        "confidence": given.values["confidence"],
        "label": truth.label,
        "told": told,
        "prediction_right": int(bool(is_right(truth.label, truth.classes.get(truth.target, "")))),
    }
    if truth.expected is None:
        return Scored(values, float(told))
    return Scored(values, float(place if place == truth.expected else 1 - truth.expected))


def refuse(values: Values) -> str:
    """Why stored values are no pick; empty where they are one."""
    if set(values) != KEYS or not isinstance(values["label"], str):
        return f"a pick has {', '.join(sorted(KEYS))}, not {values!r}"
    if type(values["picked"]) is not int or values["picked"] not in range(MAPS):
        return f"picked is the place of one of {MAPS} maps, from 0, not {values!r}"
    if type(values["confidence"]) is not int or values["confidence"] not in CONFIDENCE:
        return f"confidence is a whole number from {CONFIDENCE[0]} to {CONFIDENCE[-1]}, not {values!r}"
    if not all(type(values[key]) is int and values[key] in (0, 1) for key in FLAGS):
        return f"told and prediction_right are 0 or 1, not {values!r}"
    return ""


def guess(truth: Truth) -> Chance:
    """One in four."""
    return Chance(1 / MAPS)
