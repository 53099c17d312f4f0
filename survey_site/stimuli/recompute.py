"""Has a worker compute stored maps again, to compare them: which maps with which settings, and what it found.

A map's provenance says how it was made. What a method does not use is not in its provenance, so that maps of one
run are put together again: they share a forward pass.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import Count

from survey_site.stimuli import leased_rows
from survey_site.stimuli.jobs import Progress, explained_elsewhere
from survey_site.stimuli.models import RecomputeJob, SaliencyMap
from survey_site.stimuli.turns import queue_of
from survey_site.stimuli.uploaded_maps import is_uploaded
from survey_site.studies.models import Study

State = RecomputeJob.State


@dataclass(frozen=True)
class StoredMap:
    """A stored map under one colour map."""

    id: int
    stimulus: int
    classifier: str
    method: str
    colour_map: str
    provenance: Mapping[str, Any]
    rank: int = 0


@dataclass
class Order:
    """Maps of one image to be computed again in one go."""

    stimulus: int
    classifier: str
    settings: dict[str, Any]
    maps: list[int] = field(default_factory=list)
    methods: set[str] = field(default_factory=set)
    ranks: set[int] = field(default_factory=lambda: {0})

    @property
    def all_settings(self) -> dict[str, Any]:
        """The engine's settings; ranks are named as in jobs that compute maps."""
        return self.settings | ({"ranks": sorted(self.ranks)} if self.ranks != {0} else {})


def known_settings(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """The engine's settings as far as a map's provenance knows them."""
    parameters, rows = provenance.get("parameters") or {}, provenance.get("batch") or {}
    found = {
        "edges": provenance.get("edge_model"),
        "batch": rows.get("rows"),
        "asked": rows.get("asked"),
        "seed": parameters.get("random_seed") or None,
        "target_class": provenance.get("class_index") if provenance.get("target") else None,
        **{name: parameters.get(name) for name in ("samples", "noise", "k")},
    }
    return {name: value for name, value in found.items() if value is not None}


def orders(maps: Iterable[StoredMap]) -> list[Order]:
    """Every map in the first order of its image and classifier whose settings do not contradict its own."""
    made: dict[tuple[int, str, str], list[Order]] = {}
    for stored in maps:
        known = known_settings(stored.provenance)
        own = made.setdefault((stored.stimulus, stored.classifier, stored.colour_map), [])
        order = next((order for order in own if _agree(order.settings, known)), None)
        if order is None:
            plain = {"colour_map": stored.colour_map, "metrics": False}
            own.append(order := Order(stored.stimulus, stored.classifier, plain))
        order.settings |= known
        order.maps.append(stored.id)
        order.methods.add(stored.method)
        order.ranks.add(stored.rank)
    return [order for own in made.values() for order in own]


def _agree(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    return all(a[name] == b[name] for name in a.keys() & b.keys())


def stored_maps(study: Study) -> list[StoredMap]:
    """The maps that were computed here and whose files and source images are stored."""
    rows = SaliencyMap.objects.filter(stimulus__study=study).exclude(array_path="").exclude(stimulus__path="")
    elsewhere = explained_elsewhere(
        study, set(rows.order_by().values_list("classifier", flat=True).distinct())
    )
    names = ("pk", "stimulus_id", "classifier", "method", "pictures__colour_map", "provenance", "rank")
    return [
        StoredMap(pk, stimulus, classifier, method, colour_map or study.colour_map, provenance, rank)
        for pk, stimulus, classifier, method, colour_map, provenance, rank in rows.order_by("pk").values_list(
            *names
        )
        if not is_uploaded(method) and classifier not in elsewhere
    ]


def request(study: Study) -> list[int]:
    """Queues every stored map of the study; returns the ids of the jobs. Results of earlier ones are dropped."""
    ended = (State.DONE, State.FAILED, State.CANCELLED)
    RecomputeJob.objects.filter(stimulus__study=study, state__in=ended).delete()
    wanted = orders(stored_maps(study))
    with transaction.atomic():
        jobs = RecomputeJob.objects.bulk_create(
            RecomputeJob(
                stimulus_id=order.stimulus,
                classifier=order.classifier,
                methods=sorted(order.methods),
                settings=order.all_settings,
                maps=order.maps,
                queue=queue_of(study.pk, order.classifier, len(wanted)).name,
            )
            for order in wanted
        )
        ids = [job.pk for job in jobs]
        transaction.on_commit(lambda: leased_rows.announce(RecomputeJob, ids))
    return ids


def progress(ids: Sequence[int]) -> Progress:
    """Counts by state of these jobs."""
    counts = RecomputeJob.objects.filter(pk__in=ids).values_list("state").annotate(n=Count("pk")).order_by()
    return Progress(**dict(counts))


def cancel(ids: Sequence[int]) -> None:
    """Drops what no worker has begun."""
    RecomputeJob.objects.filter(pk__in=ids, state=State.QUEUED).update(state=State.CANCELLED)
