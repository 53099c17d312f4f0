"""How evenly the columns of Table 1 fill, and with which scores, in two aggregate queries."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count

from survey_site.protocols.models import Protocol
from survey_site.studies.models import Condition, Study
from survey_site.tasks.contract import Task
from survey_site.trials.models import Participant, Response
from survey_site.trials.who_counts import together_with, who_counts


@dataclass(frozen=True)
class ColumnProgress:
    """One Table-1 column as the monitor shows it, under a letter until the names may be seen.

    scores: for each of `Snapshot.scales` how many answers have which score, lowest first.
    """

    name: str
    answers: int
    fewest: int
    most: int
    scores: tuple[tuple[tuple[int, int], ...], ...]


def progress_of(study: Study, protocol: Protocol, tasks: Sequence[Task]) -> list[ColumnProgress]:
    """The columns in the table's order, by the answers of who counts or still may.

    An answer counts in the columns of all its trial's maps where its task says so.
    """
    scaled = [task for task in tasks if task.outcome.whole]
    spread = [task.name for task in tasks if task.further_score is not None]
    counting = Response.objects.filter(
        together_with(protocol, "participant__"),
        who_counts("participant__", unfinished=True),
        participant__kind=Participant.Kind.PERSON,
        counts=True,
        missing="",
        participant__state__in=(Participant.State.FINISHED, Participant.State.CONSENTED),
    )
    column_of = dict(Condition.objects.filter(study=study).values_list("pk", "column"))
    order = list(dict.fromkeys(column_of.values()))
    # Cells of image × column: how evenly the design has been filled so far.
    paths = ["condition", "trial__stimulus", *(["task", "further_conditions"] if spread else [])]
    per_cell: dict[str, Counter[int]] = {name: Counter() for name in order}
    for *of_cell, n in counting.order_by().values(*paths).annotate(n=Count("pk")).values_list(*paths, "n"):
        condition, stimulus, *further = of_cell
        others = further[1].split(",") if further and further[0] in spread else []
        for one in (condition, *(int(other) for other in others if other)):
            if one in column_of:
                per_cell[column_of[one]][stimulus] += n
    scores: dict[str, Counter[tuple[str, float]]] = {name: Counter() for name in order}
    if scaled:
        for condition, task, score, n in (
            counting.filter(task__in=[task.name for task in scaled])
            .order_by()
            .values_list("condition", "task", "score")
            .annotate(n=Count("pk"))
        ):
            if condition in column_of:
                scores[column_of[condition]][task, score] += n
    return [
        ColumnProgress(
            name=name,
            answers=sum(per_cell[name].values()),
            fewest=min(per_cell[name].values(), default=0),
            most=max(per_cell[name].values(), default=0),
            scores=tuple(
                tuple((level, scores[name][task.name, level]) for level in task.outcome.levels)
                for task in scaled
            ),
        )
        for name in order
    ]
