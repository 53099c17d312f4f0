"""Table 1 as plain data: the shape of `report --format json`, built from sums alone.

Faith = 100·Σcorrect/Σtrials, Index = Σrating/Σratings (docs/statistics.md, section 1). Values keep full
precision; `text` is what is printed, rounded half up from the integers.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from survey_site.reports.point_sums import Sums
from survey_site.reports.report_types import FaithCell, IndexCell, ReportColumn
from survey_site.statistics.point import mean_text, percent_text, quotient

NO_ANSWERS = "not estimable: no answers"
PENDING = "not computed yet"
HEADLINES = {"image": "total", "class": "class_total"}


@dataclass(frozen=True)
class ConditionInfo:
    """What Table 1 needs to know of a condition."""

    id: int
    column: str
    order: int
    classifier: str
    base: str
    method: str
    key: str
    is_reference: bool


def columns_of(
    conditions: Sequence[ConditionInfo], sums: Iterable[Sums], headline: str = "image"
) -> list[ReportColumn]:
    """The columns of the table in their order, each with its variants (classifier × base × method)."""
    by_condition: dict[int, list[Sums]] = {}
    for one in sums:
        by_condition.setdefault(one.condition, []).append(one)
    names = list(dict.fromkeys(c.column for c in sorted(conditions, key=lambda c: (c.order, c.column))))
    return [
        _column(name, [c for c in conditions if c.column == name], by_condition, headline) for name in names
    ]


def _column(
    name: str, members: list[ConditionInfo], sums: Mapping[int, list[Sums]], headline: str
) -> ReportColumn:
    own = [s for c in members for s in sums.get(c.id, [])]
    return {
        "column": name,
        "reference": any(c.is_reference for c in members),
        "faith": faith(own, headline),
        "index": index(own),
        "variants": [
            {
                "classifier": c.classifier,
                "base": c.base,
                "method": c.key,
                "combination": c.method,
                "faith": faith(sums.get(c.id, []), headline),
                "index": index(sums.get(c.id, [])),
            }
            for c in members
        ],
    }


def faith(sums: Iterable[Sums], headline: str = "image") -> FaithCell:
    """Human Faith % of the sums' matching trials. `percent` is null without answers, never 0."""
    own = [s for s in sums if s.task == "matching"]
    n, late = sum(s.n for s in own), sum(s.timeouts for s in own)
    correct = sum(getattr(s, HEADLINES[headline]) for s in own)
    image, same_class = sum(s.total for s in own), sum(s.class_total for s in own)
    return {
        "correct": correct,
        "n": n,
        "percent": _percent(correct, n),
        "text": percent_text(correct, n),
        "ci": None,
        "ci_reason": PENDING if n else NO_ANSWERS,
        "image": {"correct": image, "percent": _percent(image, n), "text": percent_text(image, n)},
        "class": {
            "correct": same_class,
            "percent": _percent(same_class, n),
            "text": percent_text(same_class, n),
        },
        "cant_tell": sum(s.cant_tell for s in own),
        "timeouts": late,
        "other_missing": sum(s.other_missing for s in own),
        "timeouts_as_wrong": {
            "n": n + late,
            "percent": _percent(correct, n + late),
            "text": percent_text(correct, n + late),
        },
    }


def index(sums: Iterable[Sums]) -> IndexCell:
    """Interpretability Index of the sums' rating trials. `mean` is null without answers, never 0."""
    own = [s for s in sums if s.task == "rating"]
    n, total = sum(s.n for s in own), sum(s.total for s in own)
    return {
        "sum": total,
        "n": n,
        "mean": quotient(total, n),
        "text": mean_text(total, n),
        "ci": None,
        "ci_reason": PENDING if n else NO_ANSWERS,
        "timeouts": sum(s.timeouts for s in own),
        "other_missing": sum(s.other_missing for s in own),
    }


def _percent(part: int, n: int) -> float | None:
    return 100 * part / n if n else None
