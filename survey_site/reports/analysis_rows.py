"""Rows for the statistics, straight from the database: plain lists, named as the columns of responses.csv."""

import json
from collections.abc import Mapping
from functools import cache, lru_cache
from sys import intern
from typing import Any

from django.db.models import Case, CharField, F, Q, TextField, Value, When
from django.db.models.functions import Cast

from survey_site.protocols.models import Protocol
from survey_site.reports.exports.columns import exclusion
from survey_site.reports.observed_rows import observed_in
from survey_site.reports.population import Population
from survey_site.reports.report_types import MapMetrics, RecruitedPerson
from survey_site.reports.signs import signs_of
from survey_site.stimuli.models import SaliencyMap
from survey_site.tasks.contract import Chance, Truth
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


def trial_columns(
    protocol: Protocol, population: Population, letters: Mapping[str, str] | None = None
) -> dict[str, list[Any]]:
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
    columns: dict[str, list[Any]] = {name: [] for name in sources}
    appends = [column.append for column in columns.values()]
    for row in values.iterator(chunk_size=5000):
        for append, value in zip(appends, row, strict=True):
            # A million rows repeat few texts: one copy of each keeps the task small.
            append(intern(value) if type(value) is str else value)
    signs = signs_of(protocol, responses)
    columns["signs"] = [signs.get(code, "") for code in columns["participant"]]
    _add_further(protocol, columns)
    maps, pools = columns.pop("map"), list(columns["pool"])
    if letters:
        _hide(columns, letters)
        maps = [None] * len(maps)  # what observers find would tell which columns carry edges
    named = _named(protocol, columns)
    shown = list(zip(named["task"], named["pool"], named["stimulus"], strict=True))
    tasks = {task.name: task for task in of(protocol.content.get("tasks", {}))}
    classes = dict(protocol.study.stimuli.values_list("key", "stimulus_class")) | classes_of(protocol.content)
    return named | {"observed": observed_in(protocol, maps, pools, shown, tasks, classes)}


def _hide(columns: dict[str, list[Any]], letters: Mapping[str, str]) -> None:
    """Letters for the columns' names, and nothing of how their maps were made."""
    columns["column"] = [letters.get(name, name) for name in columns["column"]]
    for name in ("classifier", "base", "method"):
        columns[name] = [""] * len(columns[name])
    columns["map_sha256"] = [None] * len(columns["map_sha256"])


def _add_further(protocol: Protocol, columns: dict[str, list[Any]]) -> None:
    """One more row for each further column in which an answer counts, under that column's condition."""
    others = columns.pop("further_conditions")
    n = len(others)
    columns["further"] = [0] * n
    tasks = of(protocol.content.get("tasks", {}))
    scores = {task.name: task.further_score for task in tasks if task.further_score is not None}
    if not scores:
        return
    conditions = {str(c.pk): c for c in protocol.study.conditions.all()}
    for place in range(n):
        rescore = scores.get(columns["task"][place])
        if not others[place] or rescore is None:
            continue
        for other in others[place].split(","):
            condition, score = conditions[other], columns["score"][place]
            changed = {
                "column": condition.column,
                "classifier": condition.classifier,
                "base": condition.base,
                "method": condition.method,
                "map_sha256": None,
                "map": None,
                "score": None if score is None else rescore(score),
                "second_score": None,
                "further": 1,
            }
            for name, column in columns.items():
                column.append(changed[name] if name in changed else column[place])


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


def _named(protocol: Protocol, columns: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Stimulus ids replaced by keys, and by the classes that the protocol sealed."""
    stimuli = protocol.study.stimuli.values_list("pk", "key", "stimulus_class")
    sealed = classes_of(protocol.content)
    keys, classes = (
        {pk: key for pk, key, _ in stimuli},
        {pk: sealed.get(key, now) for pk, key, now in stimuli},
    )
    pools: dict[tuple[int, ...], str] = {}
    for place, pool in enumerate(columns["pool"]):
        shown = tuple(pool)
        if shown not in pools:
            pools[shown] = "|".join(keys[pk] for pk in shown)
        columns["pool"][place] = pools[shown]
    read = lru_cache(maxsize=None)(json.loads)
    columns["answers"] = [read(text) for text in columns["answers"]]
    by_key = {keys[pk]: found for pk, found in classes.items()}
    columns["choice"] = [answer.get("choice", "") for answer in columns["answers"]]
    columns["choice_class"] = [
        by_key.get(answer.get("choice", ""), answer.get("choice_class", "")) for answer in columns["answers"]
    ]
    columns["stimulus_class"] = [classes[pk] for pk in columns["stimulus"]]
    columns["stimulus"] = [keys[pk] for pk in columns["stimulus"]]
    _add_chances(protocol, columns, by_key)
    columns["excluded"] = ["1" if reason else "0" for reason in columns["exclusion_reason"]]
    return columns


def _add_chances(protocol: Protocol, columns: dict[str, list[Any]], classes: dict[str, str]) -> None:
    """What a guess is worth in each trial, as its task says of the trial's own pool, and where the answer stands in a pool
    without the source; classes: by key, as sealed."""
    tasks = {task.name: task for task in of(protocol.content.get("tasks", {}))}

    @cache
    def known(task: str, pool: str, target: str) -> tuple[Chance, int | None]:
        if task not in tasks:
            return Chance(), None
        truth = Truth(target, tuple(pool.split("|")) if pool else (), classes)
        apart = bool(truth.pool) and target not in truth.pool
        return tasks[task].guess(truth), tasks[task].answer_place(truth) if apart else None

    found = [known(*row) for row in zip(columns["task"], columns["pool"], columns["stimulus"], strict=True)]
    columns["chance"] = [one.score for one, _ in found]
    columns["second_chance"] = [one.second_score for one, _ in found]
    columns["pool_position"] = [place for _, place in found]


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
    """Machine metrics of the study's current maps, by the hash that answers name."""
    names = dict(_columns_by_map_method(protocol))
    maps = SaliencyMap.objects.filter(stimulus__study=protocol.study, current=True, rank=0)
    return [
        {
            "map_sha256": sha256,
            "column": names.get((classifier, method), ""),
            "right_class": (metrics or {}).get("right"),
            "confidence": (metrics or {}).get("confidence"),
            "confidence_drop": (metrics or {}).get("drop"),
            "confidence_gain": (metrics or {}).get("increase"),
        }
        for sha256, classifier, method, metrics in maps.order_by("pk").values_list(
            "array_sha256", "classifier", "method", "metrics"
        )
    ]


def _columns_by_map_method(protocol: Protocol) -> list[tuple[tuple[str, str], str]]:
    return [((c.classifier, c.key), c.column) for c in protocol.study.conditions.all()]
