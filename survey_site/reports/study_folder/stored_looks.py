"""The looks of sealed stopping rules in a study folder: part of `study.json`, left out where there are none."""

from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any

from survey_site.protocols.models import Look, Protocol
from survey_site.reports.study_folder.layout import FolderRow, packed, unpacked
from survey_site.statistics.plan import AnalysisPlan
from survey_site.studies.models import Study

FIELDS = ("number", "planned", "participants", "fraction", "closing", "found", "reached", "taken_at")


def written(study: Study) -> FolderRow:
    """`looks` of the study, each with the version whose measurement it looked at."""
    rows = Look.objects.filter(measurement__study=study).select_related("measurement")
    found = [
        packed(row, FIELDS) | {"protocol": row.measurement.version}
        for row in rows.order_by("measurement__version", "number")
    ]
    return {"looks": found} if found else {}


def read(rows: Iterable[FolderRow], protocols: Mapping[int, Protocol]) -> None:
    """Stores them. Raises ValueError for a look that its sealed rule does not have, or whose numbers cannot be."""
    numbers: dict[int, int] = {}
    for row in rows:
        protocol = protocols[row["protocol"]]
        values = unpacked(Look, FIELDS, row)
        numbers[protocol.pk] = numbers.get(protocol.pk, 0) + 1
        rule = AnalysisPlan.from_protocol(protocol.content).stopping
        if rule is None or values["number"] != numbers[protocol.pk] or values["number"] > len(rule.looks):
            raise ValueError(
                f"version {protocol.version} has no look {values['number']} in its stopping rule"
            )
        if values["planned"] != rule.looks[values["number"] - 1] or not 0 < values["fraction"] <= 1:
            raise ValueError(
                f"look {values['number']} of version {protocol.version} is not as its rule plans it"
            )
        for column, found in values["found"].items():
            if wrong := _fault(found):
                raise ValueError(f"look {values['number']} of version {protocol.version}, {column}: {wrong}")
        Look.objects.create(measurement=protocol, **values)


def _fault(found: Any) -> str:
    if not isinstance(found, Mapping) or not {"difference", "variance", "df"} <= set(found):
        return "it needs difference, variance and df"
    for name in ("difference", "variance", "df"):
        value = found[name]
        if value is not None and (
            isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value)
        ):
            return f"{name} is {value!r} and must be a number"
    if (found["variance"] or 0) < 0 or (found["df"] is not None and found["df"] != int(found["df"])):
        return "a variance is not negative, and degrees of freedom are whole"
    return ""
