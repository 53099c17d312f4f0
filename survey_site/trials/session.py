"""A participant with their trials, as one request reads them.

These two reads make up every page and every answer. Their SQL is written out because composing it anew each time
took the ORM 2.4 of the 8 ms of CPU of a page and its answer. A test holds the columns to the models.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache, cached_property
from typing import Any, NamedTuple

from django.db import connection
from django.db.models.expressions import Col

from survey_site.design.assignment import PRACTICE
from survey_site.studies import demographics
from survey_site.tasks import registry
from survey_site.tasks.contract import Reading, Task, Truth
from survey_site.telemetry import context
from survey_site.trials.flow import Step, next_step
from survey_site.trials.frozen_protocol import FrozenProtocol, frozen_protocol
from survey_site.trials.models import Participant, Trial, first_place

_FIELDS = Participant._meta.concrete_fields
_PARTICIPANT = f"""
    SELECT {", ".join(f"participant.{field.column}" for field in _FIELDS)}, (
        SELECT frame_origins FROM recruitment_recruitment WHERE study_id = participant.study_id
    )
    FROM trials_participant participant WHERE participant.token = %s
"""  # noqa: S608 — columns of the model
_TRIALS = """
    SELECT trial.id, trial.position, trial.block, trial.task, trial.issued_at IS NOT NULL, trial.stimulus_id,
        trial.saliency_map_id, trial.maps, trial.pool, trial.condition_id, trial.attention_check, trial.expected,
        response.idempotency_key, response.body_hash
    FROM trials_trial trial LEFT JOIN trials_response response ON response.trial_id = trial.id
    WHERE trial.participant_id = %s ORDER BY trial.position
"""


class TrialRow(NamedTuple):
    """A trial with what its presentation and the order of pages need."""

    pk: int
    position: int
    block: str
    task: str
    issued: bool
    stimulus: int
    saliency_map: int
    maps_text: str
    pool_text: str
    condition: int | None
    attention_check: bool
    expected: int | None
    key: str | None
    body_hash: str | None

    @property
    def answered(self) -> bool:
        return self.key is not None

    @property
    def counts(self) -> bool:
        return self.block != PRACTICE and not self.attention_check

    @property
    def pool(self) -> list[int]:
        pool: list[int] = json.loads(self.pool_text)
        return pool

    @property
    def maps(self) -> list[dict[str, int]]:
        """Of a trial that shows several maps all of them, in display order."""
        maps: list[dict[str, int]] = json.loads(self.maps_text)
        return maps

    @property
    def shown(self) -> set[int]:
        """Every original that the trial puts on the screen, and the source of its map."""
        return {self.stimulus, *self.pool}

    def as_trial(self, participant: Participant) -> Trial:
        """The model row as far as a response repeats it, without reading it again."""
        return Trial(
            pk=self.pk,
            participant=participant,
            condition_id=self.condition,
            task=self.task,
            block=self.block,
            attention_check=self.attention_check,
            saliency_map_id=self.saliency_map,
            maps=self.maps,
        )


class Session:
    """A participant with their trials, as read in this request. passed: the page that this request went past, if it did."""

    passed: str = ""

    def __init__(self, participant: Participant) -> None:
        self.participant = participant
        self.frozen: FrozenProtocol = frozen_protocol(participant.protocol_id)
        context.bind(study=self.frozen.study_slug, participant=participant.code)
        with connection.cursor() as cursor:
            cursor.execute(_TRIALS, [participant.pk])
            self.rows = [TrialRow._make(values) for values in cursor.fetchall()]

    @property
    def texts(self) -> Mapping[str, str]:
        return self.frozen.texts_in(self.participant.language)

    @cached_property
    def fields(self) -> tuple[demographics.Question, ...]:
        return demographics.questions(self.texts.get("demographics", ""))

    def task(self, row: TrialRow) -> Task:
        """The task of a trial; raises UnknownTask where it is not installed."""
        return registry.task(row.task)

    def reading(self, row: TrialRow) -> Reading:
        """What reading an answer to this trial may depend on."""
        return Reading(self.frozen.tasks[row.task], len(row.pool), max(len(row.maps), 1))

    def truth(self, row: TrialRow) -> Truth:
        """What the trial shows and what is right."""
        keys = self.frozen.stimulus_keys
        return Truth(
            target=keys[row.stimulus],
            pool=tuple(keys[stimulus] for stimulus in row.pool),
            classes=self.frozen.classes,
            first=first_place(row.maps, row.saliency_map),
            expected=row.expected,
            label=self.label(row),
        )

    def classifier(self, row: TrialRow) -> str:
        """The classifier that the trial's map explains; empty in a check that shows an original."""
        return self.frozen.conditions[row.condition][0] if row.condition else ""

    def label(self, row: TrialRow) -> str:
        """The class that the network predicts for the trial's photo."""
        return self.frozen.label(row.stimulus, self.classifier(row))

    def step(self) -> Step:
        return next_step(self.rows, self.participant.acknowledged, bool(self.fields))

    def answered(self, position: int, key: str) -> None:
        """Notes an answer that was just written, without reading the rows again."""
        self.rows[position] = self.rows[position]._replace(key=key)

    def issued(self, position: int) -> None:
        """Notes a presentation that was just written."""
        self.rows[position] = self.rows[position]._replace(issued=True)

    @property
    def exposed(self) -> set[int]:
        """What the participant has been shown: the same pictures as their rows of Exposure."""
        return set().union(*(row.shown for row in self.rows if row.issued))

    @property
    def counted(self) -> int:
        """Answers given to trials that count: neither practice nor an attention check."""
        return sum(row.answered and row.counts for row in self.rows)

    @property
    def complete(self) -> bool:
        return all(row.answered for row in self.rows)


def find(token: str, *, lock: bool = False) -> Participant | None:
    """The participant of a resume link; `lock` inside a transaction that writes.

    Beside their own columns they have `frame_origins`: the sites that may show their pages inside their own.
    """
    query = _PARTICIPANT
    if lock and connection.features.has_select_for_update:
        query += f" {connection.ops.for_update_sql(no_key=True)}"
    with connection.cursor() as cursor:
        cursor.execute(query, [token])
        row = cursor.fetchone()
    if row is None:
        return None
    values = list(row)
    for place, convert in _converters(connection.vendor):
        values[place] = convert(values[place])
    found = Participant.from_db(connection.alias, [field.attname for field in _FIELDS], values[:-1])
    found.frame_origins = values[-1]  # type: ignore[attr-defined]
    if lock:
        found.doubt()
    return found


@cache
def _converters(vendor: str) -> list[tuple[int, Callable[[Any], Any]]]:
    """What the ORM makes of the columns of a participant, where it makes anything, found once for each kind of database."""

    def bound(converter: Callable[..., Any], column: Col) -> Callable[[Any], Any]:
        return lambda value: converter(value, column, connection)

    table = Participant._meta.db_table
    columns = [Col(table, field) for field in _FIELDS]
    return [
        (place, bound(converter, column))
        for place, column in enumerate(columns)
        for converter in (*connection.ops.get_db_converters(column), *column.get_db_converters(connection))
    ]


def positions(rows: Sequence[TrialRow], task: str) -> list[int]:
    """Positions of the counted trials of a task, for “3 of 24”."""
    return [row.position for row in rows if row.task == task and row.block != PRACTICE]
