"""Sums per condition in one aggregation inside the database: all that the point estimates need."""

from collections import Counter, defaultdict
from dataclasses import dataclass

from django.db.models import Case, Count, F, Q, QuerySet, Sum, When

from survey_site.protocols.models import Protocol
from survey_site.reports.population import Population, seen_responses
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
    """One pass over the responses. `total` is Σcorrect (matching, "can't tell" is not correct) or Σrating.

    The database counts by what an answer is and Python adds up the few groups: on a million rows that costs half
    of seven filtered counts. What is told by other columns is not compared as text again: who was scored did
    a matching trial, who rated a rating one. All columns are in the index `response_report`.
    """
    blank = Q(correct=None, rating=None)
    rows = (
        counted_responses(protocol, population)
        .filter(condition__isnull=False)
        .order_by()
        .values_list("condition_id", "correct", "class_correct", "cant_tell")
        .annotate(
            blank_task=Case(When(blank, then=F("task"))),
            blank_reason=Case(When(blank, then=F("missing"))),
            rows=Count("*"),
            rated=Sum("rating", default=0),
        )
    )
    found: dict[tuple[int, str], Counter[str]] = defaultdict(Counter)
    for condition, correct, class_correct, cant_tell, blank_task, reason, n, rated in rows:
        task = blank_task or ("rating" if correct is None else "matching")
        sums = found[condition, task]
        if reason:
            sums["timeouts" if reason == Response.Missing.TIMEOUT else "other_missing"] += n
            continue
        sums["n"] += n
        sums["total"] += n * bool(correct) if task == "matching" else rated
        sums["class_total"] += n * bool(class_correct)
        sums["cant_tell"] += n * cant_tell
    return [Sums(condition, task, **sums) for (condition, task), sums in found.items()]


def analysed_participants(protocol: Protocol, population: Population) -> int:
    """How many participants are in the estimates."""
    return Participant.objects.filter(population.analysed(protocol)).count()
