"""Reads which of two maps was preferred, and scores it: whether it is the map of the trial's column. Pure functions."""

from collections.abc import Mapping

from survey_site.tasks.contract import AnswerRefused, Given, Reading, Scored, Truth, Values
from survey_site.tasks.fields import whole

MAPS = 2
KEYS = {"preferred", "own"}


def read(fields: Mapping[str, str], reading: Reading) -> Given:
    """The place of the preferred map, from 0, in the field `preferred`. Raises AnswerRefused."""
    place = whole(fields.get("preferred", ""), range(reading.maps))
    if place is None:
        raise AnswerRefused("preferred")
    return Given({"preferred": place})


def score(given: Given, truth: Truth) -> Scored:
    """1 where the map of the trial's column was preferred, 0 where its rival was; in a check, the place itself."""
    place = given.values["preferred"]
    own = int(place == truth.first)
    return Scored({"preferred": place, "own": own}, float(own if truth.expected is None else place))


def further_score(score: float) -> float:
    """What an answer says of the rival's column: the other one was preferred."""
    return 1 - score


def refuse(values: Values) -> str:
    """Why stored values are no preference; empty where they are one."""
    if set(values) == KEYS and all(type(values[key]) is int and values[key] in (0, 1) for key in KEYS):
        return ""
    return f"a preference has preferred and own, 0 or 1 each, not {values!r}"
