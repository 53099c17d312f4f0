"""How the report's page prints numbers: a dash for what is not there, never a 0."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import template

from survey_site.reports.figure_captions import Caption
from survey_site.reports.figure_captions import caption as caption_of
from survey_site.reports.report_types import ReportColumn, StudyReport, TitledOrderEffects
from survey_site.statistics.answer_scale import HIGHEST, LOWEST
from survey_site.statistics.column_types import BriefColumn, ComparedColumn, ComparisonFamily
from survey_site.statistics.report_types import OrderSummary

register = template.Library()
NOTHING = "–"


@register.simple_tag
def rating_scale() -> str:
    """The ends of the rating scale in words."""
    return f"{LOWEST} to {HIGHEST}"


def _absent(value: Any) -> bool:
    # A key that is not there reaches a filter as the empty string.
    return value is None or value == ""


@register.filter
def places(value: Any, count: int) -> str:
    """Fixed decimals, with a true minus sign."""
    return NOTHING if _absent(value) else f"{value:.{count}f}".replace("-", "−")


@register.filter
def percent_places(value: Any, count: int) -> str:
    """A share 0..1 in percentage points."""
    return NOTHING if _absent(value) else places(100 * value, count)


@register.filter
def interval(bounds: Sequence[float] | None, count: int) -> str:
    """`low to high`."""
    return NOTHING if not bounds else f"{places(bounds[0], count)} to {places(bounds[1], count)}"


@register.filter
def percent_interval(bounds: Sequence[float] | None, count: int) -> str:
    return interval([100 * bound for bound in bounds] if bounds else None, count)


@register.filter
def p_value(value: Any) -> str:
    """Three decimals; `< .001` below that."""
    if _absent(value):
        return NOTHING
    return "< .001" if value < 0.001 else f"{value:.3f}"


@register.filter
def significant(value: Any) -> str:
    """Percentages with one decimal, shares with three."""
    return NOTHING if _absent(value) else places(value, 1 if abs(value) > 1 else 3)


OTHER = {"two_way_t": "sign_flip", "sign_flip": "two_way_t"}
OTHER_LABELS = {
    "sign_flip": "Beside it the sign-flip over participants, conditional on these images.",
    "two_way_t": "Beside it the two-way clustered t-test, which takes the images as a sample too.",
}


@register.filter
def other_test(row: ComparedColumn) -> float | None:
    """The corrected p-value of the test that is not the primary one."""
    return row.get("p_holm_by_test", {}).get(OTHER.get(row.get("primary_test", ""), ""))


@register.filter
def other_label(family: ComparisonFamily) -> str:
    return OTHER_LABELS.get(OTHER.get(family.get("primary_test") or "", ""), "")


@register.filter
def words(name: str) -> str:
    """A key of the report in words: `one_position` as `one position`."""
    return name.replace("_", " ")


@register.filter
def caption(name: str) -> Caption:
    """Title and legend of a figure."""
    return caption_of(name)


@register.filter
def item(mapping: Mapping[str, Any] | None, key: str) -> Any:
    return (mapping or {}).get(key)


@register.filter
def before_and_after(
    report: StudyReport,
) -> list[tuple[BriefColumn | None, ReportColumn, BriefColumn | None]]:
    """Each column before any exclusion, as in Table 1, and under all declared rules."""
    before = {column["column"]: column for column in report["before_exclusion"]}
    after = {column["column"]: column for column in report["after_rules"]}
    return [(before.get(c["column"]), c, after.get(c["column"])) for c in report["columns"]]


@register.filter
def outcomes(order: OrderSummary) -> list[TitledOrderEffects]:
    """The order effects of faith and index with their titles."""
    return [{"title": "Human Faith", **order["faith"]}, {"title": "Index", **order["index"]}]
