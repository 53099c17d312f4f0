"""Sums per condition in one aggregation inside the database: all that the point estimates need."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet, Sum

from survey_site.reports.population import Population, seen_responses
from survey_site.studies.models import Protocol
from survey_site.trials.models import Participant, Response


@dataclass(frozen=True)
class Sums:
    """Answers of one condition in one task. `n` counts values; `timeouts` and `other_missing` have none."""

    condition: int
    task: str
    n: int = 0
    total: int = 0
    class_total: int = 0
    cant_tell: int = 0
    timeouts: int = 0
    other_missing: int = 0


def counted_responses(protocol: Protocol, population: Population) -> QuerySet[Response]:
    """The responses of the analysed population, missing ones included."""
    return Response.objects.filter(
        population.analysed(protocol, "participant__"), seen_responses(protocol), counts=True
    )


def sums_by_condition(protocol: Protocol, population: Population) -> list[Sums]:
    """One scan of the responses. `total` is Σcorrect (matching, "can't tell" is not correct) or Σrating."""
    rows = (
        counted_responses(protocol, population)
        .filter(condition__isnull=False)
        .order_by()
        .values("condition_id", "task")
        .annotate(
            valued=Count("pk", filter=Q(missing="")),
            right=Count("pk", filter=Q(correct=True)),
            rated=Sum("rating", default=0),
            class_right=Count("pk", filter=Q(class_correct=True)),
            unsure=Count("pk", filter=Q(cant_tell=True)),
            late=Count("pk", filter=Q(missing=Response.Missing.TIMEOUT)),
            rows=Count("pk"),
        )
    )
    return [
        Sums(
            condition=row["condition_id"],
            task=row["task"],
            n=row["valued"],
            total=row["right"] if row["task"] == "matching" else row["rated"],
            class_total=row["class_right"],
            cant_tell=row["unsure"],
            timeouts=row["late"],
            other_missing=row["rows"] - row["valued"] - row["late"],
        )
        for row in rows
    ]


def analysed_participants(protocol: Protocol, population: Population) -> int:
    """How many participants are in the estimates."""
    return Participant.objects.filter(population.analysed(protocol)).count()
