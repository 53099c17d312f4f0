"""How recruitment and data collection stand, in a few aggregate queries whatever the number of rows."""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Avg, Count, F, Q
from django.db.models.functions import TruncDate

from survey_site.studies.models import AuditEntry, Condition, Protocol, Study
from survey_site.trials.models import Participant, Response, Trial

UNMASKED = "unmasked"


@dataclass(frozen=True)
class Row:
    """One Table-1 column as the monitor shows it, under a letter until the names may be seen."""

    name: str
    answers: int
    fewest: int
    most: int
    ratings: tuple[int, ...]


@dataclass(frozen=True)
class Snapshot:
    """The state of a study at one moment. Times in minutes; counts are of persons."""

    states: dict[str, int]
    finished: int
    target: int
    surplus: int
    excluded: int
    bots: int
    per_day: tuple[tuple[date, int], ...]
    mean_minutes: float | None
    checks_passed: int
    checks_given: int
    masked: bool
    rows: tuple[Row, ...]


def snapshot(study: Study) -> Snapshot:
    """What the monitor page shows. Eight queries."""
    people = Participant.objects.filter(study=study, kind=Participant.Kind.PERSON)
    states = dict(people.order_by().values_list("state").annotate(n=Count("pk")))
    totals = people.aggregate(
        finished=Count("pk", filter=Q(state="finished", surplus=False, excluded=False)),
        surplus=Count("pk", filter=Q(surplus=True)),
        excluded=Count("pk", filter=Q(excluded=True)),
        time=Avg(F("finished_at") - F("consented_at"), filter=Q(state="finished")),
    )
    days = (
        people.filter(finished_at__isnull=False)
        .annotate(day=TruncDate("finished_at"))
        .order_by("day")
        .values_list("day")
        .annotate(n=Count("pk"))
    )
    checks = Response.objects.filter(
        trial__attention_check=True, participant__study=study, participant__kind=Participant.Kind.PERSON
    ).aggregate(
        given=Count("pk"),
        passed=Count("pk", filter=Q(correct=True) | Q(rating=F("trial__expected_rating"))),
    )
    masked = is_masked(study, totals["finished"])
    time = totals["time"]
    return Snapshot(
        states={str(label): states.get(value, 0) for value, label in Participant.State.choices},
        finished=totals["finished"],
        target=study.target_participants,
        surplus=totals["surplus"],
        excluded=totals["excluded"],
        bots=Participant.objects.filter(study=study, kind=Participant.Kind.BOT).count(),
        per_day=tuple(days),
        mean_minutes=time.total_seconds() / 60 if time else None,
        checks_passed=checks["passed"],
        checks_given=checks["given"],
        masked=masked,
        rows=tuple(_rows(study, masked)),
    )


def is_masked(study: Study, finished: int) -> bool:
    """Names stay hidden until the target is reached or a researcher has unmasked them, which is recorded."""
    if finished >= study.target_participants:
        return False
    return not AuditEntry.objects.filter(study=study, verb=UNMASKED).exists()


def _rows(study: Study, masked: bool) -> list[Row]:
    protocol = Protocol.objects.filter(study=study).order_by("-version").first()
    if protocol is None:
        return []
    counted = Response.objects.filter(
        participant__protocol=protocol, participant__kind=Participant.Kind.PERSON, counts=True, missing=""
    )
    column_of = dict(Condition.objects.filter(study=study).values_list("pk", "column"))
    order = list(dict.fromkeys(column_of.values()))
    # Cells of image × column: how evenly the design has been filled so far.
    cells = (
        counted.order_by()
        .values("condition", "trial__stimulus")
        .annotate(n=Count("pk"))
        .values_list("condition", "trial__stimulus", "n")
    )
    per_cell: dict[str, Counter[int]] = {name: Counter() for name in order}
    for condition, stimulus, n in cells:
        if condition in column_of:
            per_cell[column_of[condition]][stimulus] += n
    ratings: dict[str, Counter[int]] = {name: Counter() for name in order}
    for condition, rating, n in (
        counted.filter(task=Trial.Task.RATING)
        .order_by()
        .values_list("condition", "rating")
        .annotate(n=Count("pk"))
    ):
        if condition in column_of:
            ratings[column_of[condition]][rating] += n
    return [
        Row(
            name=f"Column {chr(65 + index)}" if masked else name,
            answers=sum(per_cell[name].values()),
            fewest=min(per_cell[name].values(), default=0),
            most=max(per_cell[name].values(), default=0),
            ratings=tuple(ratings[name][value] for value in range(7)),
        )
        for index, name in enumerate(_shuffled(order, study.seed) if masked else order)
    ]


def _shuffled(names: list[str], seed: int) -> list[str]:
    """A fixed order that does not follow the table's, so that the letters tell nothing."""
    from survey_site.seeded import permutation

    return [names[index] for index in permutation(len(names), str(seed), "masked columns")]


def context_of(study: Study) -> dict[str, Any]:
    """The template's variables."""
    now = snapshot(study)
    highest = max((n for row in now.rows for n in row.ratings), default=0)
    return {"now": now, "highest": highest or 1, "busiest": max((n for _, n in now.per_day), default=1)}
