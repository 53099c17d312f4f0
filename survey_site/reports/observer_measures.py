"""The observers on the planned trials of all participants, with the interval of people. NumPy: for the worker of reports."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from survey_site.design.assignment import plan
from survey_site.design.design import Design
from survey_site.protocols import shown_maps
from survey_site.protocols.document import design_of_document, outline
from survey_site.protocols.observed import document_in_force
from survey_site.statistics.uncertainty import Sample, proportion_interval
from survey_site.stimuli.observed import ObservedMap, ObserverJob, pool_key
from survey_site.studies.models import Study
from survey_site.tasks import registry
from survey_site.tasks.contract import Truth

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class PlannedLook:
    """A planned trial on a pool: which map in which, and the candidate that is right."""

    ticket: int
    column: str
    saliency_map: int
    pool: str
    right: str
    item: str


def measure(study: Study, job: ObserverJob) -> dict[str, Any]:
    """By column and observer the share of planned trials in which it is right, with the two-way interval in percent.

    The tickets are those of the participants that are planned, the clusters theirs: participant and pool.
    """
    known = {
        (pk, pool): found
        for pk, pool, found in ObservedMap.objects.filter(
            saliency_map__stimulus__study=study, view=job.found["view"]
        ).values_list("saliency_map_id", "pool", "found")
    }
    samples: dict[str, dict[str, list[tuple[float, int, str]]]] = {}
    trials = 0
    for look in planned_looks(study):
        trials += 1
        of_column = samples.setdefault(look.column, defaultdict(list))
        for observer, found in known.get((look.saliency_map, look.pool), {}).items():
            of_column[observer].append((float(found["choice"] == look.right), look.ticket, look.item))
    return {
        "trials": trials,
        "columns": [
            {"column": column, "observers": {key: _share(rows) for key, rows in own.items()}}
            for column, own in samples.items()
        ],
    }


def _share(rows: list[tuple[float, int, str]]) -> dict[str, Any]:
    places = {item: place for place, item in enumerate(sorted({item for _, _, item in rows}))}
    sample = Sample(
        np.array([y for y, _, _ in rows]),
        np.array([ticket for _, ticket, _ in rows]),
        np.array([places[item] for _, _, item in rows]),
    )
    return {
        "share": float(sample.y.mean()),
        "n": len(rows),
        "ci": proportion_interval(sample, LEVEL).pair(100),
    }


def planned_looks(study: Study) -> Iterator[PlannedLook]:
    """The counted trials of all planned participants that show a pool, in the columns' order within each ticket.

    Raises ValueError where the draft cannot be laid out.
    """
    document = document_in_force(study) or outline(study, image_px=study.image_px or 0, texts={})
    design = design_of_document(document)
    conditions = document["conditions"]
    maps = {(m.stimulus, m.classifier, m.method): m.pk for m in shown_maps.maps_shown(study) if not m.rank}
    ids = dict(study.stimuli.values_list("key", "pk"))
    classes = {entry["key"]: entry["class"] for entry in document["stimuli"]}
    order = list(dict.fromkeys(entry["column"] for entry in conditions))
    found = list(_looks(design, document["design"]["target_participants"], conditions, maps, ids, classes))
    yield from sorted(found, key=lambda look: order.index(look.column))


def _looks(
    design: Design,
    participants: int,
    conditions: list[dict[str, Any]],
    maps: dict[tuple[str, str, str], int],
    ids: dict[str, int],
    classes: dict[str, str],
) -> Iterator[PlannedLook]:
    for ticket in range(participants):
        for trial in plan(design, ticket):
            if trial.column is None or not trial.pool or trial.condition is None:
                continue
            entry = conditions[int(trial.condition)]
            method = f"{entry['base']}.{entry['method']}" if entry["base"] and entry["method"] else ""
            method = method or entry["base"] or entry["method"]
            saliency_map = maps.get((str(trial.target), entry["classifier"], method))
            shown = tuple(map(str, trial.pool))
            place = registry.task(trial.task).answer_place(Truth(str(trial.target), shown, classes))
            if saliency_map is None or place is None:
                continue
            pool = pool_key(ids[key] for key in shown)
            yield PlannedLook(
                ticket, entry["column"], saliency_map, pool, shown[place], f"{trial.task} {pool}"
            )
