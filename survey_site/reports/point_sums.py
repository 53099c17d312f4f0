"""Sums per condition in one aggregation inside the database: all that the point estimates need."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from django.db.models import Count, Q, QuerySet, Sum

from survey_site.protocols.models import Protocol
from survey_site.reports.population import Population, seen_responses
from survey_site.tasks.contract import Counts, Task
from survey_site.trials.models import Participant, Response

Sums = Mapping[tuple[int, str], Counts]
"""Counts by the id of a condition and the name of a task."""


def counted_responses(protocol: Protocol, population: Population) -> QuerySet[Response]:
    """The responses of the analysed population, missing ones included."""
    return Response.objects.filter(
        population.analysed(protocol, "participant__"), seen_responses(protocol), counts=True
    )


def sums_by_condition(protocol: Protocol, population: Population, tasks: Sequence[Task]) -> Sums:
    """One pass over the responses, and a short one where these tasks count an answer in several columns.

    All columns are in the index `response_report`.
    """
    found: dict[tuple[int, str], Counts] = defaultdict(Counts)
    rows = (
        counted_responses(protocol, population)
        .filter(condition__isnull=False)
        .order_by()
        .values_list("condition_id", "task", "missing", "declined")
        .annotate(
            rows=Count("*"),
            scored=Count("score"),
            total=Sum("score", default=0.0),
            second=Sum("second_score", default=0.0),
        )
    )
    for condition, task, missing, declined, n, scored, total, second in rows:
        found[condition, task] += _counts(missing, n, scored, total, second, declined)
    further = {task.name: task.further_score for task in tasks if task.further_score is not None}
    if further:
        for conditions, task, counts in _further(protocol, population, further):
            for condition in conditions:
                found[condition, task] += counts
    return dict(found)


def _counts(missing: str, n: int, scored: int, total: float, second: float, declined: bool) -> Counts:
    """What `n` answers of one kind add: values, or a reason why there is none."""
    if not missing:
        return Counts(scored, total, second, declined=n if declined else 0)
    if missing == Response.Missing.TIMEOUT:
        return Counts(timeouts=n)
    return Counts(other_missing=n)


def _further(
    protocol: Protocol, population: Population, scores: Mapping[str, Callable[[float], float]]
) -> Iterable[tuple[list[int], str, Counts]]:
    """What the answers add to the columns of their trials' other maps, scored anew for these."""
    rows = (
        counted_responses(protocol, population)
        .filter(task__in=scores)
        .exclude(further_conditions="")
        .order_by()
        .values_list("further_conditions", "task", "missing", "declined", "score")
        .annotate(rows=Count("*"))
    )
    for conditions, task, missing, declined, score, n in rows:
        scored, total = (0, 0.0) if score is None else (n, n * scores[task](score))
        ids = [int(condition) for condition in conditions.split(",")]
        yield ids, task, _counts(missing, n, scored, total, 0.0, declined)


def analysed_participants(protocol: Protocol, population: Population) -> tuple[int, int]:
    """How many participants are in the estimates, and how many of these are simulated."""
    simulated = Count("pk", filter=Q(kind=Participant.Kind.BOT))
    counted = Participant.objects.filter(population.analysed(protocol)).aggregate(
        all=Count("pk"), bots=simulated
    )
    return counted["all"], counted["bots"]
