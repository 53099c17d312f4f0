"""What a column of Table 1 estimates, whatever task it comes from. Standard library."""

from dataclasses import dataclass
from typing import Literal, TypedDict

Kind = Literal["share", "mean"]


class OutcomeFacts(TypedDict):
    """An `Outcome` in the report's JSON. value, total: the keys of an estimate and of its sum in a column's cell."""

    key: str
    task: str
    title: str
    heading: str
    kind: Kind
    low: float
    high: float
    whole: bool
    places: int
    factor: int
    answers: str
    value: str
    total: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a column of Table 1 gets from a task: a share of answers, or a mean of scores.

    key: in the report's JSON, such as `faith`. title: the field's term. kind: `share` of scores 1 among scores 0 and 1,
    printed in percent, or `mean` of scores from `low` to `high`. places: decimals printed. answers: the word for what is
    counted. whole: of a mean whose scores are whole numbers, so that they can be ordered levels in a model.
    """

    key: str
    task: str
    title: str
    kind: Kind
    low: float = 0.0
    high: float = 1.0
    places: int = 0
    answers: str = "answers"
    whole: bool = False

    @property
    def factor(self) -> int:
        """From a mean score to the printed unit: percent of a share."""
        return 100 if self.kind == "share" else 1

    @property
    def heading(self) -> str:
        """The title with its unit."""
        return f"{self.title} %" if self.kind == "share" else self.title

    @property
    def value(self) -> str:
        """The key of the estimate in a column's cell, in the printed unit."""
        return "percent" if self.kind == "share" else "mean"

    @property
    def total(self) -> str:
        """The key of the sum of the scores in a column's cell."""
        return "correct" if self.kind == "share" else "sum"

    @property
    def levels(self) -> tuple[int, ...]:
        """Every possible score, where they are whole numbers."""
        return tuple(range(int(self.low), int(self.high) + 1)) if self.whole or self.kind == "share" else ()

    def facts(self) -> OutcomeFacts:
        """Plain data for the report's JSON."""
        return {
            "key": self.key, "task": self.task, "title": self.title, "heading": self.heading, "kind": self.kind,
            "low": self.low, "high": self.high, "whole": self.whole, "places": self.places, "factor": self.factor,
            "answers": self.answers, "value": self.value, "total": self.total,
        }  # fmt: skip
