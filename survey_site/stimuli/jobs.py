"""Precompute jobs: which maps a study needs, requested, paused, cancelled and counted.

How a job reaches a worker is in `leased_rows`. Imports neither TensorFlow nor the worker.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

from django.db import transaction
from django.db.models import Count, QuerySet

from saliency_worker import catalog
from saliency_worker.measures import ASKED
from survey_site.stimuli import leased_rows, ranks
from survey_site.stimuli.models import OwnModel, PrecomputeJob, SaliencyMap
from survey_site.stimuli.own_models import usable
from survey_site.stimuli.turns import queue_of
from survey_site.stimuli.uploaded_maps import is_uploaded
from survey_site.stimuli.uploaded_rows import EXPLAINED
from survey_site.studies import cached_counts
from survey_site.studies.models import Study

State = PrecomputeJob.State
AGAIN = (State.FAILED, State.CANCELLED)  # comes back when asked for
BATCH = 5000
OWN_CLASS = "class of the image"
SAVED_MODEL = re.compile(r"\.(?:keras|h5|hdf5)(?:@|$)", re.IGNORECASE)


@dataclass(frozen=True)
class Progress:
    """How many of a study's jobs are in which state."""

    queued: int = 0
    running: int = 0
    paused: int = 0
    cancelled: int = 0
    done: int = 0
    failed: int = 0

    @property
    def total(self) -> int:
        return self.queued + self.running + self.paused + self.done + self.failed

    @property
    def settled(self) -> bool:
        """Nothing will change by itself any more."""
        return self.queued + self.running == 0


def methods_by_classifier(study: Study) -> dict[str, tuple[str, ...]]:
    """The full keys that the study's conditions need of each classifier, `original` always among them.

    Maps made elsewhere are not asked for; of a classifier of the catalogue they still need the original.
    """
    needed: dict[str, set[str]] = defaultdict(lambda: {"original"})
    conditions = list(study.conditions.all())
    elsewhere = explained_elsewhere(study, {c.classifier for c in conditions})
    for condition in conditions:
        if condition.classifier in elsewhere:
            continue
        if condition.classifier and not is_uploaded(condition.key):
            needed[condition.classifier].add(condition.key)
        elif condition.classifier in catalog.CLASSIFIERS:
            needed[condition.classifier].add("original")
    return {name: tuple(sorted(keys)) for name, keys in sorted(needed.items())}


def may_be_computed(study: Study, classifier: str) -> bool:
    """Whether the name is one that a worker can load."""
    if classifier in catalog.CLASSIFIERS or SAVED_MODEL.search(classifier):
        return True
    return study.own_models.filter(name=classifier).exists()


def explained_elsewhere(study: Study, classifiers: Iterable[str]) -> set[str]:
    """Those of these classifiers that no worker of the site has, but whose maps came in with a folder of `explain`."""
    unknown = [name for name in classifiers if name and not may_be_computed(study, name)]
    if not unknown:
        return set()
    rows = SaliencyMap.objects.filter(stimulus__study=study, classifier__in=unknown, current=True)
    return set(
        rows.filter(provenance__origin=EXPLAINED).order_by().values_list("classifier", flat=True).distinct()
    )


def job_settings(
    study: Study,
    methods: Sequence[str],
    *,
    metrics: bool = True,
    measures: Iterable[str] = (),
    model: OwnModel | None = None,
) -> dict[str, Any]:
    """The settings that decide what a map looks like, beside classifier and method, and which classes are explained.

    Ranks are named only beyond the predicted class, so that jobs of a study that needs no others stay what they were.
    measures: what costs further passes (saliency_worker.measures.ASKED), named only where there is any. model: of the
    study's own, if the classifier is one.
    """
    plain = {"edges": study.edges, "colour_map": study.colour_map, "metrics": metrics}
    if study.explain_own_class:
        plain["targets"] = OWN_CLASS
    if measures := sorted(measures):
        plain["measures"] = measures
    if model is not None:
        plain["model"] = model.definition()
    asked = ranks.ranks_asked(methods, ranks.ranks_of(study))
    return plain | ({"ranks": list(asked)} if asked != (0,) else {})


def request(
    study: Study,
    classifiers: Sequence[str] | None = None,
    methods: Sequence[str] | None = None,
    *,
    metrics: bool = True,
    measures: Iterable[str] = (),
) -> int:
    """Queues what is missing or was made with other settings; returns the number of jobs queued.

    Idempotent: a finished job that covers the methods, settings, measures and ranks stays finished, a running one keeps
    running. Raises UnknownName.
    """
    for measure in set(measures) - set(ASKED):
        raise catalog.UnknownName("measure", measure, ASKED)
    wanted = methods_by_classifier(study)
    own = usable(study)
    if classifiers is not None:
        for name in set(classifiers) - set(wanted) - set(own):
            catalog.classifier(name)  # raises UnknownName with the nearest one
        wanted = {name: wanted.get(name, ("original",)) for name in classifiers}
    if methods is not None:
        wanted = {name: tuple(sorted({*methods, "original"})) for name in wanted}
    images = study.stimuli.count()
    queued = 0
    with transaction.atomic():
        for name, keys in wanted.items():
            settings_for = partial(job_settings, study, metrics=metrics, model=own.get(name))
            options = settings_for(keys, measures=measures)
            queue = queue_of(study.pk, name, images).name
            there = _of(study).filter(classifier=name)
            # A million jobs were asked for in a few ways; those of one way are changed together.
            ways = there.order_by().values_list("methods", "settings", "state").distinct()
            for had, made, state in ways:
                alike = there.filter(methods=had, settings=made)
                if covers(had, made, keys, options):
                    if state not in AGAIN:
                        continue
                    alike = alike.filter(state=state)
                same = _alike(made, options)
                merged = sorted({*keys, *(had if same else ())})
                measured = {*measures, *(_measures(made) if same else ())}
                queued += leased_rows.requeue(
                    alike,
                    methods=merged,
                    queue=queue,
                    region_only=False,
                    settings=settings_for(merged, measures=measured),
                )
            order = {"classifier": name, "methods": list(keys), "settings": options, "queue": queue}
            queued += _add(study, order)
        transaction.on_commit(partial(forget_counts, study))
    return queued


def _add(study: Study, order: Mapping[str, Any]) -> int:
    """A job for each image that has none for the order's classifier; no more than a batch of them is in memory."""
    lacking = study.stimuli.exclude(jobs__classifier=order["classifier"]).values_list("pk", flat=True)
    images, first, added = lacking.iterator(BATCH), list[int](), 0
    while some := list(islice(images, BATCH)):
        jobs = PrecomputeJob.objects.bulk_create(PrecomputeJob(stimulus_id=pk, **order) for pk in some)
        first += [job.pk for job in jobs[: leased_rows.MOST_ANNOUNCED - len(first)]]
        added += len(jobs)
    if first:
        transaction.on_commit(lambda: leased_rows.announce(PrecomputeJob, first))
    return added


def covers(
    methods: Iterable[str], made: Mapping[str, Any], wanted: Iterable[str], options: Mapping[str, Any]
) -> bool:
    """Whether a job of these methods, under the settings `made`, gives all that is wanted under `options`."""
    return (
        _alike(made, options)
        and set(wanted) <= set(methods)
        and _measures(options) <= _measures(made)
        and _ranks(options) <= _ranks(made)
    )


def _alike(made: Mapping[str, Any], options: Mapping[str, Any]) -> bool:
    """Whether the settings agree in all but the ranks and what is measured beside."""
    return {**made, "ranks": (), "measures": ()} == {**options, "ranks": (), "measures": ()}


def _measures(options: Mapping[str, Any]) -> set[str]:
    return set(options.get("measures", ()))


def _ranks(options: Mapping[str, Any]) -> set[int]:
    return set(options.get("ranks", (0,)))


def progress(study: Study) -> Progress:
    """Counts by state, in one query."""
    counts = (
        PrecomputeJob.objects.filter(stimulus__study=study)
        .values_list("state")
        .annotate(n=Count("pk"))
        .order_by()
    )
    return Progress(**dict(counts))


def forget_counts(study: Study) -> None:
    """What pages keep of a study's jobs is counted anew; to be called once a change is committed."""
    for name in ("status", "jobs-by-way"):
        cached_counts.forget(f"{name}:{study.pk}")


def pause(study: Study) -> int:
    """Holds back what is queued; what runs is finished."""
    return _changed(study, _of(study).filter(state=State.QUEUED).update(state=State.PAUSED))


def resume(study: Study) -> int:
    """Queues what was paused."""
    return _changed(study, leased_rows.requeue(_of(study).filter(state=State.PAUSED)))


def cancel(study: Study) -> int:
    """Drops what is queued or paused; finished maps stay."""
    held = _of(study).filter(state__in=[State.QUEUED, State.PAUSED])
    return _changed(study, held.update(state=State.CANCELLED))


def retry_failed(study: Study) -> int:
    """Queues every failed or cancelled job again."""
    return _changed(study, leased_rows.requeue(_of(study).filter(state__in=AGAIN)))


def _changed(study: Study, count: int) -> int:
    transaction.on_commit(partial(forget_counts, study))
    return count


def _of(study: Study) -> QuerySet[PrecomputeJob]:
    return PrecomputeJob.objects.filter(stimulus__study=study)


def maps_needed(study: Study) -> list[tuple[str, str]]:
    """(classifier, method) of every map that each image must have: those of the conditions, and each original."""
    needed = [
        (condition.classifier, condition.key)
        for condition in sorted(study.conditions.all(), key=lambda c: (c.classifier, c.base, c.method))
    ]
    needed += [(name, "original") for name in sorted({name for name, _ in needed})]
    return list(dict.fromkeys(needed))


def missing_maps(study: Study) -> list[str]:
    """One line for each map that a task needs under a condition and that was not computed with the study's settings."""
    wanted = ranks.ranks_of(study)
    have = set(
        SaliencyMap.objects.filter(
            stimulus__study=study, current=True, pictures__colour_map=study.colour_map
        ).values_list("stimulus_id", "classifier", "method", "rank")
    )
    needed = maps_needed(study)
    elsewhere = explained_elsewhere(study, {name for name, _ in needed})
    return [
        f"{key}: {_lack(classifier, method, rank, classifier in elsewhere or is_uploaded(method))}"
        for stimulus_id, key in study.stimuli.order_by("key").values_list("pk", "key")
        for classifier, method in needed
        for rank in ranks.ranks_for(method, wanted)
        if (stimulus_id, classifier, method, rank) not in have
    ]


def _lack(classifier: str, method: str, rank: int, elsewhere: bool) -> str:
    """What is missing, in words. elsewhere: its maps are not computed here."""
    lack = f"no map of {method or 'the method'} {'uploaded for' if elsewhere else 'by'} {classifier}"
    if not rank:
        return lack
    reason = " (an uploaded map explains one class)" if elsewhere else ""
    return f"{lack} for the network's {ranks.ordinal(rank)} class{reason}"
