"""Whose turn it is: every study's jobs for one classifier wait in a queue of their own.

A worker takes the most urgent queues first. Among equals it stays with the classifier that it has loaded, for a while, and
goes round the studies, so that a large study does not keep a small one waiting. The name of a queue stands on its jobs, in
the order in which queues are taken; there is no table of queues.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from django.db import connection
from django.utils import timezone

from survey_site.stimuli import leased_rows
from survey_site.stimuli.models import Job

AnyJob = TypeVar("AnyJob", bound=Job)

SMALL, LARGE = 1, 5
FEW_JOBS = 32
"""So many are a preview or a small study, and go before the large ones."""
STAYS = 128
"""Jobs that a worker takes under a classifier before it looks whether others wait for another one."""


@dataclass(frozen=True, slots=True, order=True)
class Queue:
    """Jobs that wait together. urgency: the lowest is first."""

    urgency: int
    study: int
    classifier: str

    @property
    def name(self) -> str:
        """As it stands on a job: names sort as queues do."""
        return f"{self.urgency}/{self.study:012d}/{self.classifier}"

    @classmethod
    def named(cls, name: str) -> "Queue":
        """The queue of a name; jobs from before there were queues have none, and are large."""
        urgency, _, rest = name.partition("/")
        study, _, classifier = rest.partition("/")
        return cls(int(urgency or LARGE), int(study or 0), classifier)


def queue_of(study: int, classifier: str, jobs: int) -> Queue:
    """Where so many jobs of a study for a classifier wait."""
    return Queue(SMALL if jobs <= FEW_JOBS else LARGE, study, classifier)


@dataclass(frozen=True, slots=True)
class Held:
    """What a worker has done: the classifier it has loaded, how many jobs in a row under it, and by classifier the study
    that it has served last.
    """

    classifier: str
    jobs: int
    served: Mapping[str, int]

    def after(self, queue: Queue, jobs: int) -> "Held":
        """Once it has taken so many jobs from a queue."""
        same = queue.classifier == self.classifier
        return Held(
            queue.classifier,
            jobs + (self.jobs if same else 0),
            {**self.served, queue.classifier: queue.study},
        )


NOTHING = Held("", 0, {})


def in_turn(waiting: Sequence[Queue], held: Held) -> list[Queue]:
    """All waiting queues, the one to be taken next first: classifiers in the order of their names, and in each the studies,
    from where the worker stands in that round.
    """

    def key(queue: Queue) -> tuple[int, bool, bool, str, bool, int]:
        loaded = queue.classifier == held.classifier
        stays = loaded if held.jobs < STAYS else not loaded
        passed = queue.classifier <= held.classifier
        had = queue.study <= held.served.get(queue.classifier, -1)
        return queue.urgency, not stays, passed, queue.classifier, had, queue.study

    return sorted(waiting, key=key)


def waiting(kind: type[Job]) -> list[str]:
    """Names of the queues with jobs, in one statement that looks once into the index for each of them."""
    table = connection.ops.quote_name(kind._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH RECURSIVE waiting(queue) AS (
                SELECT min(queue) FROM {table} WHERE state = 'queued'
                UNION ALL
                SELECT (SELECT min(job.queue) FROM {table} job WHERE job.state = 'queued' AND job.queue > waiting.queue)
                FROM waiting WHERE waiting.queue IS NOT NULL
            )
            SELECT queue FROM waiting WHERE queue IS NOT NULL
            """  # noqa: S608 — a name of this program's own
        )
        return [name for (name,) in cursor.fetchall()]


def take(
    kind: type[AnyJob], most: int, worker: str, held: Held = NOTHING, now: datetime | None = None
) -> tuple[list[AnyJob], Held]:
    """The next jobs that this worker now owns, all from one queue, and what it holds then; none where nothing is due.

    What was tried before is taken alone: an image that kills workers takes no others with it a second time.
    """
    now = now or timezone.now()
    names = {Queue.named(name): name for name in waiting(kind)}
    for queue in in_turn(list(names), held):
        name = names[queue]
        jobs = leased_rows.claim_where(kind, "queue = %s AND attempts = 0", [name], most, worker, now)
        jobs = jobs or leased_rows.claim_where(kind, "queue = %s", [name], 1, worker, now)
        if jobs:
            return jobs, held.after(queue, len(jobs))
    return [], held


def heard(
    kind: type[AnyJob], ids: Sequence[int], most: int, worker: str, held: Held = NOTHING
) -> tuple[list[AnyJob], Held]:
    """`take` for a message that named these jobs; before the work begins, one more message goes out for others."""
    leased_rows.used_up(kind, ids)
    taken = take(kind, most, worker, held)
    leased_rows.announce_more(kind)
    return taken
