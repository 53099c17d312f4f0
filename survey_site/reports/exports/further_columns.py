"""The columns of Table 1 in which an answer counts beside that of its own row: those of the trial's other maps."""

from collections.abc import Iterator

from django.db.models import Case, Q, TextField, Value, When
from django.db.models.functions import Concat, Substr

from survey_site.protocols import masking
from survey_site.reports.exports.export_column import ExportColumn
from survey_site.reports.exports.sql import SafeText
from survey_site.studies.models import Study

STORED = "further_conditions"
TOLD = "Columns of the trial's other maps, in which the answer counts too, separated by |; empty where it has one map."


def further_columns(study: Study) -> ExportColumn:
    """Names, in the order of the table, or letters while the study is masked; the order on the screen is not told."""
    letters = masking.column_letters(study)
    ids: dict[str, list[int]] = {}
    for pk, column in study.conditions.values_list("pk", "column"):
        ids.setdefault(letters.get(column, column), []).append(pk)
    names = [
        Case(When(_holds(ids[name]), then=Value(f"|{name}")), default=Value("")) for name in _ordered(ids)
    ]
    joined = Concat(Value(""), *names, Value(""), output_field=TextField())
    return ExportColumn(
        "further_columns", TOLD, "string", SafeText(Substr(joined, 2, output_field=TextField()))
    )


def _ordered(ids: dict[str, list[int]]) -> Iterator[str]:
    yield from sorted(ids, key=lambda name: min(ids[name]))


def _holds(ids: list[int]) -> Q:
    """Whether one of these ids is among those separated by commas."""
    found = Q(pk__in=[])
    for pk in ids:
        found |= Q(**{STORED: str(pk)}) | Q(**{f"{STORED}__startswith": f"{pk},"})
        found |= Q(**{f"{STORED}__endswith": f",{pk}"}) | Q(**{f"{STORED}__contains": f",{pk},"})
    return found
