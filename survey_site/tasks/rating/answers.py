"""Reads a rating out of a form and scores it: the rating is the score. Pure functions of plain data."""

from collections.abc import Mapping

from survey_site.tasks.contract import AnswerRefused, Given, Reading, Scored, Truth, Values
from survey_site.tasks.fields import whole
from survey_site.tasks.rating.scale import HIGHEST, LOWEST, RATINGS


def read(fields: Mapping[str, str], reading: Reading) -> Given:
    """The rating, 0..6, in the field `rating`. Raises AnswerRefused."""
    chosen = whole(fields.get("rating", ""), RATINGS)
    if chosen is None:
        raise AnswerRefused("rating")
    return Given({"rating": chosen})


def score(given: Given, truth: Truth) -> Scored:
    """The rating itself; nothing is right or wrong."""
    return Scored(given.values, float(given.values["rating"]))


def refuse(values: Values) -> str:
    """Why stored values are no rating; empty where they are one."""
    chosen = values.get("rating")
    if isinstance(chosen, int) and not isinstance(chosen, bool) and chosen in RATINGS and len(values) == 1:
        return ""
    return f"a rating is a whole number from {LOWEST} to {HIGHEST}, not {values!r}"
