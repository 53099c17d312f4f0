"""What synthetic observers chose in the trials of a protocol, for the statistics and the exports."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from survey_site.protocols.models import Protocol
from survey_site.protocols.observed import view_of_document
from survey_site.stimuli.observed import ObservedMap, pool_key
from survey_site.tasks.contract import Task, Truth

Observed = Mapping[str, Mapping[str, Any]]


def observed_maps(protocol: Protocol) -> dict[tuple[int, str], Observed]:
    """By map and pool what each observer chose, of pictures as this protocol serves them."""
    rows = ObservedMap.objects.filter(
        saliency_map__stimulus__study=protocol.study_id, view=view_of_document(protocol.content)
    )
    return {
        (saliency_map, pool): found
        for saliency_map, pool, found in rows.values_list("saliency_map_id", "pool", "found")
    }


def observed_in(
    protocol: Protocol,
    maps: Sequence[int | None],
    pools: Sequence[Sequence[int]],
    shown: Sequence[tuple[str, str, str]],
    tasks: Mapping[str, Task],
    classes: Mapping[str, str],
) -> list[Observed | None]:
    """For each trial by observer `choice` and `right`, equal ones the same dict; None where none was tried.

    maps, pools: row ids. shown: task, the pool's keys separated by `|`, and the source's key.
    """
    known = observed_maps(protocol)
    if not known:
        return [None] * len(maps)
    keys: Callable[[tuple[int, ...]], str] = cache(pool_key)

    @cache
    def scored(saliency_map: int, pool: str, task: str, candidates: str, source: str) -> Observed | None:
        found = known.get((saliency_map, pool))
        if found is None or task not in tasks:
            return None
        truth = Truth(source, tuple(candidates.split("|")), classes)
        place = tasks[task].answer_place(truth)
        answer = None if place is None else truth.pool[place]
        return {
            observer: {"choice": one["choice"], "right": int(one["choice"] == answer)}
            for observer, one in found.items()
        }

    return [
        None
        if saliency_map is None or not pool
        else scored(saliency_map, keys(tuple(pool)), task, text, source)
        for saliency_map, pool, (task, text, source) in zip(maps, pools, shown, strict=True)
    ]
