"""The ladder of synthetic observers for a study as it stands: what a worker is asked, and what it found."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from survey_site.design import canonical
from survey_site.design.layout import main_stimuli
from survey_site.design.pools import Pool
from survey_site.design.spec import Spec
from survey_site.protocols import served_images
from survey_site.protocols.document import candidates_of, spec_of
from survey_site.protocols.searched_pools import start_hash
from survey_site.stimuli import leased_rows
from survey_site.stimuli.models import SaliencyMap, Stimulus
from survey_site.stimuli.observed import ObserverJob, view_key
from survey_site.studies.models import Study

State = ObserverJob.State
WARN_ABOVE = 0.95
"""An observer that is right more often than this finds what people are asked for without any classifier."""


class NothingToObserve(ValueError):
    """The study has no pools yet in which anything could be matched; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Pools and maps of a draft as a worker is told them, and the job that was asked for them, if any."""

    order: dict[str, Any]
    key: str
    job: ObserverJob | None


def asked(study: Study) -> Asked:
    """What the ladder is tried on, as the draft is now. Raises NothingToObserve."""
    order = order_of(study)
    key = canonical.sha256(order)
    return Asked(order, key, study.observer_jobs.filter(order_hash=key).first())


def order_of(study: Study) -> dict[str, Any]:
    """Everything that results depend on, as JSON. Raises NothingToObserve."""
    spec = spec_of(study)
    if not spec.pooled:
        raise NothingToObserve("No task of this study shows pools; there is nothing for observers to match.")
    if not spec.columns:
        raise NothingToObserve("The study has no conditions yet; choose them first.")
    main = list(study.stimuli.filter(role=Stimulus.Role.MAIN).order_by("key"))
    try:
        items = main_stimuli(spec, candidates_of(study, main))
    except ValueError as error:
        raise NothingToObserve(str(error)) from error
    maps = served_images.maps_shown(study)
    if not maps:
        raise NothingToObserve("The study has no maps yet; have them computed first.")
    return {
        "pools": {task.task: _pools(task.exemplar, items[task.task]) for task in spec.pooled},
        "search": _searches(spec, items),
        "classes": {stimulus.key: stimulus.stimulus_class for stimulus in main},
        "conditions": [
            {"column": c.column, "classifier": c.classifier, "method": c.key} for c in study.conditions.all()
        ],
        "colour_map": study.colour_map,
        "image_px": study.image_px or 0,
        "overlay": study.overlay,
        "seed": str(study.seed),
        "maps": _fingerprint(maps, study.colour_map),
    }


def _pools(exemplar: bool, groups: tuple[Pool, ...]) -> list[dict[str, Any]]:
    """Each pool: the candidates, and of each source the candidate that is right."""
    if exemplar:
        return [{"shown": list(g.stimuli[1:]), "right": {g.stimuli[0]: g.stimuli[1]}} for g in groups]
    return [{"shown": list(g.stimuli), "right": {key: key for key in g.stimuli}} for g in groups]


def _searches(spec: Spec, items: Mapping[str, tuple[Pool, ...]]) -> dict[str, dict[str, str]]:
    return {
        task.task: {"strategy": task.strategy, "start": start_hash(items[task.task])}
        for task in spec.pooled
        if task.hard
    }


def _fingerprint(maps: list[SaliencyMap], colour_map: str) -> str:
    shown = [[m.pk, next(p.sha256 for p in m.pictures.all() if p.colour_map == colour_map)] for m in maps]
    return canonical.sha256(shown)


def request(study: Study, *, trained: bool = False) -> ObserverJob:
    """Asks a worker to try the observers on the draft as it is; what was found of these very pictures is kept.

    Asking again for what is done changes nothing, unless the trained matcher is to be added. Raises NothingToObserve.
    """
    found = asked(study)
    with transaction.atomic():
        job, made = ObserverJob.objects.get_or_create(
            study=study, order_hash=found.key, defaults={"order": found.order | {"trained": trained}}
        )
        if made:
            transaction.on_commit(lambda: leased_rows.announce(ObserverJob, [job.pk]))
        elif job.state in (State.FAILED, State.CANCELLED) or (trained and not job.order.get("trained")):
            again = job.order | {"trained": trained or bool(job.order.get("trained"))}
            chosen = ObserverJob.objects.filter(pk=job.pk).exclude(state=State.RUNNING)
            chosen.update(order=again, accuracy={}, fraction=0.0)
            leased_rows.requeue(chosen)
    job.refresh_from_db()
    return job


def view_of_document(document: Mapping[str, Any]) -> str:
    """How a sealed protocol serves its pictures: the part of a result's key that it decides."""
    design = document.get("design", {})
    return view_key(design.get("colour_map", ""), design.get("image_px", 0), bool(design.get("overlay")))
