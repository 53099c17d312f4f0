"""`wide`: one row for each participant, as programs want it that compare columns rather than rows.

A row is that of participants.csv, then for each task and column of Table 1 the mean of the counted answers and their
number, then for each place of the session what was shown there and answered (`t03_score`). Put together in Python from
two streams in the same order; constant memory.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db.models import F, Max

from survey_site.protocols import masking
from survey_site.protocols.models import Protocol
from survey_site.reports.exports.columns import ANSWERS, answer_column, installed_tasks, own_tasks, quick
from survey_site.reports.exports.csv_stream import ROWS_PER_FETCH, StreamTally, stream_lines
from survey_site.reports.exports.export_column import ExportColumn
from survey_site.reports.exports.masked import masked
from survey_site.reports.exports.participants import participant_columns, participant_rows
from survey_site.reports.exports.sql import as_given, code, name_of, rewritten, text
from survey_site.reports.one_moment import one_moment
from survey_site.reports.population import Population
from survey_site.studies.models import Study
from survey_site.trials.models import Trial

Mean = tuple[str, str]
"""A task and a column of Table 1."""
# What the means need of a trial, before its own cells.
HIDDEN = (
    "participant_id", "position", "participant__protocol_id", "task", "condition_id", "response__counts", "response__seen",
    "response__score", "response__further_conditions",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Row:
    """The hidden part of a trial's row."""

    person: int
    position: int
    protocol: int
    task: str
    condition: int | None
    counts: bool | None
    seen: str | None
    score: float | None
    further: str | None


@dataclass(frozen=True)
class WideTable:
    """Has the interface of `tables.Table`; only its rows are no query."""

    name: str = "wide"
    description: str = (
        "One row per participant, with means by task and column, and every trial in columns of its own."
    )

    def columns(self, study: Study | None) -> tuple[ExportColumn, ...]:
        if study is None:
            return participant_columns(None)
        places = _places(study)
        width = len(str(max(places - 1, 0)))
        of_trials = _trial_columns(study)
        return (
            *participant_columns(study),
            *_mean_columns(study),
            *(
                replace(
                    column,
                    name=f"t{place:0{width}d}_{column.name}",
                    description=f"Trial {place}: {column.description}",
                )
                for place in range(places)
                for column in of_trials
            ),
        )

    def stream(
        self, study: Study, population: Population, tally: StreamTally | None = None, *, bom: bool = False
    ) -> Iterator[bytes]:
        """The table as CSV, of one moment: columns and rows agree, and the first row comes at once."""
        with one_moment():
            rows, columns = self._rows(study, population, plain=False), self.columns(study)
            with closing(rows):  # its cursors end within the transaction, also for who leaves in the middle
                yield from stream_lines(rows, columns, tally, bom=bom)

    def count(self, study: Study, population: Population) -> int:
        """How many rows it has."""
        return participant_rows(study, population).count()

    def values(self, study: Study, population: Population) -> Iterator[Sequence[Any]]:
        """Its rows with texts as they were given; times as the CSV writes them."""
        return self._rows(study, population, plain=True)

    def _rows(
        self, study: Study, population: Population, *, plain: bool
    ) -> Generator[Sequence[Any], None, None]:
        own, of_trials = _sources(participant_columns(study), plain), _sources(_trial_columns(study), plain)
        people = participant_rows(study, population).values_list("pk", *own)
        trials = Trial.objects.filter(population.in_data("participant__"), participant__study=study)
        shown = trials.order_by("participant_id", "position").values_list(*HIDDEN, *of_trials)
        groups = groupby(shown.iterator(chunk_size=ROWS_PER_FETCH), key=itemgetter(0))
        means, places = _Means(study), _places(study)
        following = next(groups, None)
        for person in people.iterator(chunk_size=ROWS_PER_FETCH):
            cells: list[Any] = [None] * (places * len(of_trials))
            found: list[_Row] = []
            if following and following[0] == person[0]:
                for row in following[1]:
                    hidden = _Row(*row[: len(HIDDEN)])
                    found.append(hidden)
                    if hidden.position < places:
                        start = hidden.position * len(of_trials)
                        cells[start : start + len(of_trials)] = row[len(HIDDEN) :]
                following = next(groups, None)
            yield (*person[1:], *means.cells(found), *cells)


def _places(study: Study) -> int:
    """How many trials the longest session of the study has."""
    kept = Population(bots=True, pilot=True).in_data("participant__")
    last = Trial.objects.filter(kept, participant__study=study).aggregate(last=Max("position"))["last"]
    return 0 if last is None else int(last) + 1


def _sources(columns: Sequence[ExportColumn], plain: bool) -> list[Any]:
    return [rewritten(column.source, as_given) if plain else column.source for column in columns]


def _trial_columns(study: Study) -> tuple[ExportColumn, ...]:
    found = [
        ExportColumn("block", "block; practice never counts.", "string", code("block")),
        ExportColumn("column", "Table-1 column in which it counts.", "string", text("condition__column")),
        ExportColumn("stimulus", "source image of the map.", "string", name_of("stimulus__key")),
    ]
    tasks = installed_tasks(study)
    fixed = [(owner, column) for owner, column in ANSWERS if owner not in {task.name for task in tasks}]
    taken = {column.name for column in found}
    for owner, column in [*((task.name, column) for task in tasks for column in task.columns), *fixed]:
        name = f"{owner}_{column.name}" if column.name in taken else column.name
        taken.add(name)
        found.append(answer_column(owner, column, name, "response__"))
    found += [
        ExportColumn("score", "number that Table 1 averages.", "number", F("response__score")),
        ExportColumn("missing", "why there is no answer.", "string", code("response__missing"),
               levels=("timeout", "skipped", "image_failed")),
        ExportColumn("rt_ms", "time from onset to answer.", "integer", F("response__rt_ms"), unit="ms", minimum=0),
        ExportColumn("seen", "whether the image was decoded and visible.", "string", code("response__seen"),
               levels=("yes", "no", "unknown")),
    ]  # fmt: skip
    return masked(study, quick(study, tuple(found)), "condition")


def _columns_of(study: Study) -> list[str]:
    """The columns of Table 1 in its order; letters in theirs while names are hidden."""
    if letters := masking.column_letters(study):
        return masking.in_order(letters)
    return list(dict.fromkeys(study.conditions.values_list("column", flat=True)))


def _means_of(study: Study) -> list[Mean]:
    columns = _columns_of(study)
    return [(task, column) for task in own_tasks(study) for column in columns]


def _mean_columns(study: Study) -> Iterator[ExportColumn]:
    taken: set[str] = set()
    for task, column in _means_of(study):
        plain = "".join(sign if sign.isascii() and sign.isalnum() else "_" for sign in column.lower())
        name, number = f"{task}_{plain}", 2
        while name in taken:
            name, number = f"{task}_{plain}_{number}", number + 1
        taken.add(name)
        what = f"counted answers of the task “{task}” in the column “{column}”"
        yield ExportColumn(f"mean_{name}", f"Mean score of the {what}.", "number", None)
        yield ExportColumn(f"n_{name}", f"Number of scored, {what}.", "integer", None, minimum=0)


class _Means:
    """Mean and number of the counted answers by task and column, of one participant after the other."""

    def __init__(self, study: Study) -> None:
        self.order = _means_of(study)
        letters = masking.column_letters(study)
        named = study.conditions.values_list("pk", "column")
        self.columns: Mapping[int, str] = {pk: letters.get(column, column) for pk, column in named}
        self.further = {
            task.name: task.further_score for task in installed_tasks(study) if task.further_score
        }
        # As population.seen_responses: whether answers without JavaScript count is the protocol's choice.
        designs = Protocol.objects.filter(study=study).values_list(
            "pk", "document__design__count_unknown_seen"
        )
        self.strict = {pk for pk, counts_unknown in designs if counts_unknown is False}

    def cells(self, rows: Sequence[_Row]) -> Iterator[float | int | None]:
        scores: dict[Mean, list[float]] = {}
        for row in rows:
            unseen = row.seen == "no" or (row.seen == "unknown" and row.protocol in self.strict)
            if not row.counts or row.score is None or row.condition is None or unseen:
                continue
            scores.setdefault((row.task, self.columns[row.condition]), []).append(row.score)
            rescore = self.further.get(row.task)
            if row.further and rescore:
                for other in row.further.split(","):
                    scores.setdefault((row.task, self.columns[int(other)]), []).append(rescore(row.score))
        for mean in self.order:
            found = scores.get(mean, [])
            yield sum(found) / len(found) if found else None
            yield len(found)
