"""The ladder of synthetic observers for a study as it stands: what a worker is asked, and what it found."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from survey_site.design import canonical
from survey_site.design.design import Group
from survey_site.design.layout import main_stimuli
from survey_site.design.pools import Pool
from survey_site.design.spec import Spec
from survey_site.protocols import shown_maps
from survey_site.protocols.document import candidates_of, spec_of
from survey_site.protocols.searched_pools import after_search, start_hash
from survey_site.stimuli import leased_rows
from survey_site.stimuli.models import Stimulus
from survey_site.stimuli.observed import ObserverJob, view_key
from survey_site.studies.models import Study
from survey_site.tasks import registry

State = ObserverJob.State
WARN_ABOVE = 0.95
"""An observer that is right more often than this finds what people are asked for without any classifier."""


class NothingToObserve(ValueError):
    """The study has no pools yet in which anything could be matched; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Pools and maps of a study as a worker is told them, and the job that was asked for them, if any."""

    order: dict[str, Any]
    key: str
    job: ObserverJob | None


def asked(study: Study) -> Asked:
    """What the ladder is tried on, as the study is now. Raises NothingToObserve."""
    order = order_of(study)
    key = canonical.sha256(order)
    return Asked(order, key, study.observer_jobs.filter(order_hash=key).first())


def can_be_tried(study: Study) -> bool:
    """Whether there are pools and maps to try the observers on."""
    try:
        order_of(study)
    except NothingToObserve:
        return False
    return True


def order_of(study: Study) -> dict[str, Any]:
    """Everything that results depend on, as JSON. Raises NothingToObserve."""
    spec = spec_of(study)
    if not spec.pooled:
        raise NothingToObserve("No task of this study shows pools; there is nothing for observers to match.")
    if not spec.columns:
        raise NothingToObserve("The study has no conditions yet; choose them first.")
    main = list(study.stimuli.filter(role=Stimulus.Role.MAIN).order_by("key"))
    pools = _pools_of(study, spec, main)
    maps = shown_maps.maps_shown(study)
    if not maps:
        raise NothingToObserve("The study has no maps yet; have them computed first.")
    return {
        **pools,
        "classes": {stimulus.key: stimulus.stimulus_class for stimulus in main},
        "conditions": [
            {"column": c.column, "classifier": c.classifier, "method": c.key} for c in study.conditions.all()
        ],
        "colour_map": study.colour_map,
        "image_px": study.image_px or 0,
        "overlay": study.overlay,
        "seed": str(study.seed),
        "maps": _fingerprint(maps),
    }


def document_in_force(study: Study) -> dict[str, Any] | None:
    """The sealed document by which people are shown pools; None of a draft, and of a reconstruction that has none."""
    newest = None if study.is_editable else study.protocols.order_by("-version").first()
    return newest.content if newest and newest.content.get("items") else None


def _pools_of(study: Study, spec: Spec, main: Sequence[Stimulus]) -> dict[str, Any]:
    """`pools` by task, and `search` of those that are to be searched. Raises NothingToObserve.

    What is sealed stands, whatever the settings would deal now: an amendment's target, or an import without its searches.
    """
    document = document_in_force(study)
    sealed = _sealed_pools(document) if document else None
    try:
        items = main_stimuli(spec, candidates_of(study, main))
        dealt = {"pools": _by_task(spec, items), "search": _searches(spec, items)}
        if sealed is None or _by_task(spec, after_search(study, spec, items)) == sealed:
            return dealt
    except ValueError as error:
        if sealed is None:
            raise NothingToObserve(str(error)) from error
    if not any(sealed.values()):
        raise NothingToObserve("The sealed protocol shows no pools; there is nothing for observers to match.")
    return {"pools": sealed, "search": {}}


def _sealed_pools(document: dict[str, Any]) -> dict[str, Any]:
    tasks = document.get("tasks", {})
    specs = [task.spec(task.effective(tasks[task.name])) for task in registry.known(tasks)]
    return {
        spec.task: _pools(spec.exemplar, [tuple(group["stimuli"]) for group in document["items"][spec.task]])
        for spec in specs
        if spec.pooled and spec.task in document["items"]
    }


def _by_task(spec: Spec, items: Mapping[str, tuple[Pool, ...]]) -> dict[str, Any]:
    return {
        task.task: _pools(task.exemplar, [group.stimuli for group in items[task.task]])
        for task in spec.pooled
    }


def _pools(exemplar: bool, groups: Iterable[Group]) -> list[dict[str, Any]]:
    """Each pool: the candidates, and of each source the candidate that is right."""
    if exemplar:
        return [{"shown": list(g[1:]), "right": {g[0]: g[1]}} for g in groups]
    return [{"shown": list(g), "right": {key: key for key in g}} for g in groups]


def _searches(spec: Spec, items: Mapping[str, tuple[Pool, ...]]) -> dict[str, dict[str, str]]:
    return {
        task.task: {"strategy": task.strategy, "start": start_hash(items[task.task])}
        for task in spec.pooled
        if task.hard
    }


def _fingerprint(maps: list[shown_maps.ShownMap]) -> str:
    return canonical.sha256([[m.pk, m.picture_sha256] for m in maps])


def request(study: Study, *, trained: bool = False) -> ObserverJob:
    """Asks a worker to try the observers on the study as it is; what was found of these very pictures is kept.

    Asking again for what is done changes nothing, unless the trained matcher is to be added. Raises NothingToObserve, also
    where it is to be added to what a worker is trying just now.
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
            if not chosen.update(order=again, accuracy={}, fraction=0.0):
                raise NothingToObserve(
                    "The observers are being tried just now, without the trained matcher; ask for it when they are done."
                )
            leased_rows.requeue(chosen)
    job.refresh_from_db()
    return job


def view_of_document(document: Mapping[str, Any]) -> str:
    """How a sealed protocol serves its pictures: the part of a result's key that it decides."""
    design = document.get("design", {})
    return view_key(design.get("colour_map", ""), design.get("image_px", 0), bool(design.get("overlay")))
