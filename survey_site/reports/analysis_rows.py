"""Rows for the statistics, straight from the database: plain lists, named as the columns of responses.csv."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, repeat
from typing import Any, TypeVar

from django.db.models import Case, CharField, F, Q, TextField, Value, When
from django.db.models.functions import Cast

from survey_site.protocols.models import Protocol
from survey_site.reports.exports.columns import exclusion
from survey_site.reports.machine_types import MapMetrics
from survey_site.reports.observed_rows import observed_in
from survey_site.reports.one_moment import one_moment
from survey_site.reports.population import Population
from survey_site.reports.report_types import RecruitedPerson
from survey_site.reports.signs import signs_of
from survey_site.statistics.repeated import Gathered, Repeated
from survey_site.stimuli.models import SaliencyMap
from survey_site.tasks.contract import Chance, Task, Truth
from survey_site.tasks.registry import of
from survey_site.trials.attention_rows import passed
from survey_site.trials.frozen_protocol import classes_of
from survey_site.trials.models import Participant, Response
from survey_site.trials.who_counts import together_with

# Name for the statistics → where it is. Unlike in the CSV no text is escaped: labels must equal the plan's.
SOURCES: dict[str, Any] = {
    "participant": F("participant__code"),
    "task": F("task"),
    "block": F("trial__block"),
    "position": F("trial__position"),
    "stimulus": F("trial__stimulus_id"),
    "column": F("condition__column"),
    "classifier": F("condition__classifier"),
    "base": F("condition__base"),
    "method": F("condition__method"),
    "map_sha256": F("trial__saliency_map__array_sha256"),
    "map": F("trial__saliency_map_id"),
    "pool": F("trial__pool"),
    "score": F("score"),
    "second_score": F("second_score"),
    "declined": F("declined"),
    "expected": F("trial__expected"),
    "answers": Cast(F("answer"), TextField()),
    "further_conditions": F("further_conditions"),
    "rt_ms": F("rt_ms"),
    "seen": F("seen"),
    "missing_reason": F("missing"),
    "attention_check": Case(
        When(trial__attention_check=False, then=Value("0")),
        When(passed(), then=Value("passed")),
        default=Value("failed"),
        output_field=CharField(),
    ),
}  # fmt: skip


CHUNK = 5000
Rows = dict[str, Repeated]
T = TypeVar("T")


def _batches(values: Iterator[T], size: int) -> Iterator[list[T]]:
    while rows := list(islice(values, size)):
        yield rows


@one_moment()
def trial_columns(
    protocol: Protocol, population: Population, letters: Mapping[str, str] | None = None
) -> dict[str, Sequence[Any]]:
    """Every response of the protocol's measurement by column; `exclusion_reason` says why a row is outside the population.

    letters: by column, while names are hidden. answers: the stored answer, equal ones the same dict; `choice` and
    `choice_class` are its keys of these names, empty where there are none, the class of an image as sealed. further: 1 for
    the rows that an answer adds for the columns of the trial's other maps, where its task declares what the score means
    for these; they follow all others. observed: what synthetic observers chose, where they were tried. Raises UnknownTask.
    """
    responses = Response.objects.filter(
        population.not_withdrawn("participant__"), together_with(protocol, "participant__")
    )
    sources = SOURCES | {"exclusion_reason": _reason(population)}
    values = responses.order_by("participant_id", "trial__position").values_list(*sources.values())
    gathered = {name: Gathered() for name in (*sources, "further")}
    for rows in _batches(values.iterator(chunk_size=CHUNK), CHUNK):
        for name, column in zip(sources, zip(*rows, strict=True), strict=True):
            gathered[name].extend(map(tuple, column) if name == "pool" else column)
        gathered["further"].extend(repeat(0, len(rows)))
    _add_further(protocol, gathered)
    columns = {name: column.column() for name, column in gathered.items()}
    del columns["further_conditions"]
    signs = signs_of(protocol, responses)
    columns["signs"] = columns["participant"].map(lambda code: signs.get(code, ""))
    maps, pools = columns.pop("map"), columns["pool"]
    if letters:
        _hide(columns, letters)
        maps = maps.map(lambda _: None)  # what observers find would tell which columns carry edges
    tasks = {task.name: task for task in of(protocol.content.get("tasks", {}))}
    named, shown = _named(protocol, columns, tasks)
    classes = dict(protocol.study.stimuli.values_list("key", "stimulus_class")) | classes_of(protocol.content)
    return {**named, "observed": observed_in(protocol, maps, pools, shown, tasks, classes)}


def _hide(columns: Rows, letters: Mapping[str, str]) -> None:
    """Letters for the columns' names, and nothing of how their maps were made."""
    columns["column"] = columns["column"].map(lambda name: letters.get(name, name))
    for name in ("classifier", "base", "method"):
        columns[name] = columns[name].map(lambda _: "")
    columns["map_sha256"] = columns["map_sha256"].map(lambda _: None)


def _add_further(protocol: Protocol, gathered: Mapping[str, Gathered]) -> None:
    """One more row for each further column in which an answer counts, under that column's condition."""
    tasks = of(protocol.content.get("tasks", {}))
    scores = {task.name: task.further_score for task in tasks if task.further_score is not None}
    if not scores:
        return
    conditions = {str(c.pk): c for c in protocol.study.conditions.all()}
    asked = zip(*(gathered[name].column() for name in ("further_conditions", "task", "score")), strict=True)
    added = [
        (row, conditions[other], score if score is None else scores[task](score))
        for row, (others, task, score) in enumerate(asked)
        if others and task in scores
        for other in others.split(",")
    ]
    changed: dict[str, Iterable[Any]] = {
        name: [getattr(condition, name) for _, condition, _ in added]
        for name in ("column", "classifier", "base", "method")
    }
    changed["score"] = [score for _, _, score in added]
    changed |= {name: repeat(None, len(added)) for name in ("map_sha256", "map", "second_score")}
    changed["further"] = repeat(1, len(added))
    for name, column in gathered.items():
        if name in changed:
            column.extend(changed[name])
        else:
            column.repeat(row for row, _, _ in added)


def _reason(population: Population) -> Case:
    """As in responses.csv, with the reasons that this population waives left out."""
    waived = Q(pk__in=[])
    if population.unfinished:
        waived |= Q(participant__surplus=False, participant__excluded=False)
    if population.excluded:
        waived |= Q(participant__surplus=False, participant__state=Participant.State.FINISHED)
    if population.excluded and population.unfinished:
        waived |= Q(participant__surplus=False)
    return Case(When(waived, then=Value("")), default=exclusion("participant__", pilots=True))


def _named(
    protocol: Protocol, columns: Rows, tasks: Mapping[str, Task]
) -> tuple[dict[str, Sequence[Any]], Repeated]:
    """Stimulus ids replaced by keys, and by the classes that the protocol sealed; and of each row task, pool and source."""
    stimuli = protocol.study.stimuli.values_list("pk", "key", "stimulus_class")
    sealed = classes_of(protocol.content)
    keys, classes = (
        {pk: key for pk, key, _ in stimuli},
        {pk: sealed.get(key, now) for pk, key, now in stimuli},
    )
    by_key = {keys[pk]: found for pk, found in classes.items()}
    answers = columns["answers"].map(json.loads)
    named: dict[str, Repeated] = {
        **columns,
        "pool": columns["pool"].map(lambda shown: "|".join(keys[pk] for pk in shown)),
        "answers": answers,
        "choice": answers.map(lambda answer: answer.get("choice", "")),
        "choice_class": answers.map(
            lambda answer: by_key.get(answer.get("choice", ""), answer.get("choice_class", ""))
        ),
        "stimulus_class": columns["stimulus"].map(lambda pk: classes[pk]),
        "stimulus": columns["stimulus"].map(lambda pk: keys[pk]),
        "excluded": columns["exclusion_reason"].map(lambda reason: "1" if reason else "0"),
    }
    shown = Repeated.joined(named["task"], named["pool"], named["stimulus"])
    return {**named, **_chances(shown, tasks, by_key)}, shown


def _chances(shown: Repeated, tasks: Mapping[str, Task], classes: dict[str, str]) -> Rows:
    """What a guess is worth in each trial, as its task says of the trial's own pool, and where the answer stands in a pool
    without the source; classes: by key, as sealed."""

    def known(row: tuple[str, str, str]) -> tuple[Chance, int | None]:
        task, pool, target = row
        if task not in tasks:
            return Chance(), None
        truth = Truth(target, tuple(pool.split("|")) if pool else (), classes)
        apart = bool(truth.pool) and target not in truth.pool
        return tasks[task].guess(truth), tasks[task].answer_place(truth) if apart else None

    found = shown.map(known)
    return {
        "chance": found.map(lambda one: one[0].score),
        "second_chance": found.map(lambda one: one[0].second_score),
        "pool_position": found.map(lambda one: one[1]),
    }


def participant_rows(protocol: Protocol, population: Population) -> list[RecruitedPerson]:
    """Who started, consented, finished, for the flow of participants. Bots count as persons where asked."""
    rows = Participant.objects.filter(together_with(protocol)).values_list(
        "kind", "state", "surplus", "consented_at"
    )
    kinds = population.kinds()
    done = (Participant.State.FINISHED,)
    return [
        {
            "kind": "person" if kind in kinds else kind,
            "consented": consented is not None or state in (*done, Participant.State.WITHDRAWN),
            "finished": state in done,
            "surplus": surplus,
            "withdrawn": state == Participant.State.WITHDRAWN,
            "screened_out": state == Participant.State.SCREENED_OUT,
            "dropped": state == Participant.State.DROPPED,
        }
        for kind, state, surplus, consented in rows
    ]


def map_rows(protocol: Protocol) -> list[MapMetrics]:
    """Machine metrics of the study's current maps, by the image and hash that answers name."""
    names = dict(_columns_by_map_method(protocol))
    maps = SaliencyMap.objects.filter(stimulus__study=protocol.study, current=True, rank=0)
    return [
        {
            "stimulus": stimulus,
            "map_sha256": sha256,
            "column": names.get((classifier, method), ""),
            "right_class": (metrics or {}).get("right"),
            "confidence": (metrics or {}).get("confidence"),
            "confidence_drop": (metrics or {}).get("drop"),
            "confidence_gain": (metrics or {}).get("increase"),
        }
        for stimulus, sha256, classifier, method, metrics in maps.order_by("pk")
        .values_list("stimulus__key", "array_sha256", "classifier", "method", "metrics")
        .iterator(CHUNK)
    ]


def _columns_by_map_method(protocol: Protocol) -> list[tuple[tuple[str, str], str]]:
    return [((c.classifier, c.key), c.column) for c in protocol.study.conditions.all()]
