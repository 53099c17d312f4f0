"""How recruitment and data collection stand, in a few aggregate queries whatever the number of rows."""

from collections.abc import ItemsView
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypedDict

from django.db import connection
from django.db.models import Aggregate, Count, DurationField, ExpressionWrapper, F, Max, Min, Q, QuerySet
from django.db.models.functions import TruncDay, TruncHour
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from survey_site.protocols import masking
from survey_site.protocols.models import Protocol
from survey_site.reports.column_progress import ColumnProgress, progress_of
from survey_site.reports.report_types import ChartBar, CompletionChart
from survey_site.studies import cached_counts
from survey_site.studies.models import Study
from survey_site.tasks import registry
from survey_site.tasks.contract import Task
from survey_site.tasks.settings import TRIALS
from survey_site.trials.attention_rows import passed
from survey_site.trials.models import Participant, Response, Ticket, Trial
from survey_site.trials.who_counts import newest_protocol, together_with, who_counts

BY_HOUR = timedelta(hours=48)  # a study that fills in an afternoon is of no interest day by day
State = Participant.State


@dataclass(frozen=True)
class Snapshot:
    """The state of a study at one moment. Times in minutes; counts are of persons.

    blocks: where those in the study are now; "between" two trials, or `silent` beyond their lease. elsewhere:
    persons under versions whose answers do not stand together with those of the newest.
    completions: (start of the hour or day, how many), without gaps. scales: titles of the outcomes whose scores are levels.
    """

    states: dict[str, int]
    blocks: dict[str, int]
    silent: int
    finished: int
    target: int
    surplus: int
    excluded: int
    bots: int
    elsewhere: int
    hourly: bool
    completions: tuple[tuple[datetime, int], ...]
    median_minutes: float | None
    checks_passed: int
    checks_given: int
    masked: bool
    scales: tuple[str, ...]
    rows: tuple[ColumnProgress, ...]
    at: datetime


class MonitorContext(TypedDict):
    """What the monitor's templates print. `highest`: of the counts of one score in one column, at least 1."""

    now: Snapshot
    highest: int
    chart: CompletionChart
    states: ItemsView[str, int]


class Median(Aggregate):
    """PostgreSQL's own median of an expression."""

    function = "PERCENTILE_CONT"
    template = "%(function)s(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"


def snapshot(study: Study) -> Snapshot:
    """What the monitor page shows, with the columns' names masked where they must be."""
    return masked(study, counted(study))


def counted(study: Study) -> Snapshot:
    """Everything under its real name. A dozen queries, none of which loads a row of a participant or an answer."""
    now = timezone.now()
    protocol = newest_protocol(study.pk)
    own = together_with(protocol)
    people = Participant.objects.filter(own, kind=Participant.Kind.PERSON)
    states = dict(people.order_by().values_list("state").annotate(n=Count("pk")))
    totals = people.aggregate(
        finished=Count("pk", filter=who_counts()),
        surplus=Count("pk", filter=Q(surplus=True)),
        excluded=Count("pk", filter=Q(excluded=True)),
        first=Min("finished_at"),
        last=Max("finished_at"),
    )
    is_bot, is_person = Q(kind=Participant.Kind.BOT), Q(kind=Participant.Kind.PERSON)
    others = Participant.objects.filter(own | Q(study=study)).aggregate(
        bots=Count("pk", filter=own & is_bot & ~Q(state=State.WITHDRAWN)),
        elsewhere=Count("pk", filter=Q(study=study) & is_person & ~own),
    )
    checks = Response.objects.filter(
        counts=False,
        trial__attention_check=True,
        participant__in=people,
    ).aggregate(
        given=Count("pk"),
        passed=Count("pk", filter=passed()),
    )
    tasks = _tasks(study)
    known = [task for _name, task in tasks if task is not None]
    hourly = bool(totals["first"]) and totals["last"] - totals["first"] <= BY_HOUR
    return Snapshot(
        states={str(label): states.get(value, 0) for value, label in State.choices},
        blocks=_blocks(people, states.get(State.CONSENTED, 0), tasks),
        silent=_silent(protocol, now),
        finished=totals["finished"],
        target=study.target_participants,
        surplus=totals["surplus"],
        excluded=totals["excluded"],
        bots=others["bots"],
        elsewhere=others["elsewhere"],
        hourly=hourly,
        completions=_completions(people, hourly),
        median_minutes=_median_minutes(people),
        checks_passed=checks["passed"],
        checks_given=checks["given"],
        masked=False,
        scales=tuple(task.outcome.title for task in known if task.outcome.whole),
        rows=tuple(progress_of(study, protocol, known)) if protocol else (),
        at=now,
    )


def masked(study: Study, now: Snapshot) -> Snapshot:
    """The snapshot as it may be shown: letters for names, in an order that tells nothing, while that is the rule."""
    letters = masking.column_letters(study)
    if not letters:
        return now
    rows = [replace(row, name=letters.get(row.name, row.name)) for row in now.rows]
    return replace(now, masked=True, rows=tuple(sorted(rows, key=lambda row: (len(row.name), row.name))))


def _tasks(study: Study) -> list[tuple[str, Task | None]]:
    """The study's tasks by name, the installed in their order; None for one that is not installed."""
    wanted = [name for name, values in study.task_settings.items() if values.get(TRIALS, 1)]
    known = [task.name for task in registry.installed()]
    wanted.sort(key=lambda name: known.index(name) if name in known else len(known))
    return [(name, registry.named(name)) for name in wanted]


def _blocks(
    people: QuerySet[Participant], inside: int, tasks: list[tuple[str, Task | None]]
) -> dict[str, int]:
    """Of those in the study: the block of the trial that lies before them; the rest read a page between trials."""
    before_them = Trial.objects.filter(
        participant__in=people.filter(state=State.CONSENTED), issued_at__isnull=False, response__isnull=True
    )
    found = dict(before_them.order_by().values_list("block").annotate(n=Count("pk")))
    names = [
        (Trial.PRACTICE, str(_("Practice"))),
        *((name, task.title if task else name) for name, task in tasks),
    ]
    blocks = {label: found.get(name, 0) for name, label in names}
    return blocks | {"between": max(inside - sum(blocks.values()), 0)}


def _silent(protocol: Protocol | None, now: datetime) -> int:
    """Whose lease ran out: the next arrivals take their places."""
    leased = Ticket.objects.filter(
        protocol=protocol.measurement_id if protocol else None, state=Ticket.State.LEASED
    )
    return leased.filter(lease_expires_at__lt=now).count()


def _completions(people: QuerySet[Participant], hourly: bool) -> tuple[tuple[datetime, int], ...]:
    start = TruncHour("finished_at") if hourly else TruncDay("finished_at")
    rows = people.filter(state=State.FINISHED, finished_at__isnull=False).annotate(start=start)
    found = dict(rows.order_by("start").values_list("start").annotate(n=Count("pk")))
    step = timedelta(hours=1) if hourly else timedelta(days=1)
    return tuple(_without_gaps(found, step))


def _without_gaps(found: dict[datetime, int], step: timedelta) -> list[tuple[datetime, int]]:
    """Hours or days in which nobody finished are there with 0."""
    if not found:
        return []
    first, last = min(found), max(found)
    moments = [first + number * step for number in range(int((last - first) / step) + 1)]
    return [(moment, found.get(moment, 0)) for moment in moments]


def _median_minutes(people: QuerySet[Participant]) -> float | None:
    """From consent to end of the finished. SQLite has no median: it sorts, and gives the one or two in the middle."""
    took = ExpressionWrapper(F("finished_at") - F("consented_at"), output_field=DurationField())
    timed = people.filter(state=State.FINISHED, finished_at__isnull=False, consented_at__isnull=False)
    if connection.vendor == "postgresql":
        found: timedelta | None = timed.aggregate(m=Median(took, output_field=DurationField()))["m"]
        return None if found is None else found.total_seconds() / 60
    n = timed.count()
    if not n:
        return None
    middle = (
        timed.annotate(took=took).order_by("took").values_list("took", flat=True)[(n - 1) // 2 : n // 2 + 1]
    )
    minutes = [duration.total_seconds() / 60 for duration in middle]
    return sum(minutes) / len(minutes)


def context_of(study: Study) -> MonitorContext:
    """The template's variables. In a large study the counts are kept for a while; masking never is."""
    now = masked(study, _of_cache(cached_counts.kept(f"monitor:{study.pk}", lambda: asdict(counted(study)))))
    highest = max((n for row in now.rows for scale in row.scores for _level, n in scale), default=0)
    return {
        "now": now,
        "highest": highest or 1,
        "chart": chart([n for _start, n in now.completions]),
        "states": now.states.items(),
    }


def _of_cache(facts: dict[str, Any]) -> Snapshot:
    """The snapshot of what `asdict` made of it, since the cache holds plain data alone."""
    return Snapshot(**{**facts, "rows": tuple(ColumnProgress(**row) for row in facts["rows"])})


WIDTH, HEIGHT = 600, 120


def chart(counts: list[int]) -> CompletionChart:
    """Bars and the rising line of their sum, in the coordinates of an SVG of WIDTH × HEIGHT."""
    if not counts:
        return {}
    slot, busiest, total = WIDTH / len(counts), max(counts) or 1, sum(counts) or 1
    bars: list[ChartBar] = []
    points, so_far = [f"0,{HEIGHT}"], 0
    for place, n in enumerate(counts):
        high = HEIGHT * n / busiest
        bars.append(
            {
                "x": round(slot * (place + 0.1), 2),
                "y": round(HEIGHT - high, 2),
                "w": round(0.8 * slot, 2),
                "h": round(high, 2),
            }
        )
        so_far += n
        points.append(f"{slot * (place + 1):.2f},{HEIGHT - HEIGHT * so_far / total:.2f}")
    return {
        "bars": bars,
        "line": " ".join(points),
        "busiest": busiest,
        "total": sum(counts),
        "w": WIDTH,
        "h": HEIGHT,
    }
