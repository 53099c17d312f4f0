"""Pools that were searched for observers that fail: where a task asks for them, they stand in for those of its strategy."""

from collections.abc import Mapping, Sequence
from typing import Any

from survey_site.design import canonical
from survey_site.design.layout import Items
from survey_site.design.pools import Pool, PoolError
from survey_site.design.spec import Spec
from survey_site.stimuli.observed import ObserverJob
from survey_site.studies.models import Study


def start_hash(groups: Sequence[Pool]) -> str:
    """Names the pools that a search begins with."""
    return canonical.sha256([[str(key) for key in group.stimuli] for group in groups])


def after_search(study: Study, spec: Spec, items: Items) -> dict[str, tuple[Pool, ...]]:
    """The groups of each task, those that are to be hard for observers as the search left them.

    Raises PoolError where no search was made that began with these pools.
    """
    found = dict(items)
    for task in spec.pooled:
        if not task.hard:
            continue
        searched = search_of(study, task.task, items[task.task])
        if searched is None:
            raise PoolError(
                f"The pools of {task.task} are to be hard for observers, and no search was made for these images: ask for "
                "it on the page “Check the design”."
            )
        found[task.task] = tuple(Pool(tuple(group)) for group in searched["groups"])
    return found


def search_of(study: Study, task: str, groups: Sequence[Pool]) -> Mapping[str, Any] | None:
    """The newest search that began with these pools: `groups`, and how far it came."""
    begun = start_hash(groups)
    for job in study.observer_jobs.filter(state=ObserverJob.State.DONE).order_by("-finished_at"):
        own = job.found.get("search", {}).get(task)
        if own and own["start"] == begun:
            return dict(own)
    return None
