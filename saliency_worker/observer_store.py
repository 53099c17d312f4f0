"""Between the observers and the site: tries them on the pictures of a job, writes a row for each map in its pool."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db import transaction
from kombu.exceptions import KombuError

from saliency_worker import observer_kinds
from saliency_worker.observer_kinds import OTHER_CAM, TRAINED
from saliency_worker.observer_pictures import Served, served_pictures
from saliency_worker.observers.choices import ObserverChoice
from saliency_worker.observers.ladder import Palette
from saliency_worker.observers.run import Ladder, Observed, ObservedPool, ShownMap
from saliency_worker.observers.swaps import search
from survey_site.celery import app
from survey_site.stimuli import leased_rows
from survey_site.stimuli.models import SaliencyMap, Stimulus
from survey_site.stimuli.observed import MEASURE_TASK, ObservedMap, ObserverJob, pool_key, view_key

logger = logging.getLogger(__name__)
ORIGINAL = "original"
LONGEST_LIST = 3
ROWS_AT_ONCE = 2000


class ChangedMeanwhile(ValueError):
    """The pools name images that the study no longer has; trying again would not help."""

    permanent = True


def observe(job: ObserverJob, worker: str) -> None:
    """Tries every observer on the job's maps and pools, searches pools where asked, and ends the job.

    Raises ChangedMeanwhile.
    """
    order = job.order
    ids = dict(Stimulus.objects.filter(study=job.study_id).values_list("key", "pk"))
    _refuse_changed(order, ids)
    rows = _rows(job)
    served, notes = served_pictures(job, rows)
    maps = _shown(rows, order["conditions"])
    palette, trained = Palette(order["colour_map"]), bool(order.get("trained"))
    ladder = Ladder(served, palette, trained=trained, seed=order["seed"])
    view = view_key(order["colour_map"], served.side, bool(order["overlay"]))
    searches, tell = {}, _teller(job)
    tasks = sorted(order["pools"])
    for place, task in enumerate(tasks):
        pools = [ObservedPool(tuple(pool["shown"]), pool["right"]) for pool in order["pools"][task]]
        start, width = place / len(tasks), 1 / len(tasks)
        if task in order["search"]:
            searches[task] = _search(ladder, maps, pools, order, task, tell(start, width / 2))
            pools = [ObservedPool(tuple(g), {key: key for key in g}) for g in searches[task]["groups"]]
            start, width = start + width / 2, width / 2
        new = _not_there(maps, pools, ids, view, trained, served)
        observed = ladder.observe(new, pools, tell(start, width))
        notes += _notes(observed, new)
        _store(observed, new, pools, ids, view)
    found = {"notes": list(dict.fromkeys(notes)), "search": searches, "view": view, "maps": len(maps)}
    with transaction.atomic():
        if leased_rows.finish(job, worker, found=found, fraction=1.0):
            transaction.on_commit(lambda: ring(job.pk))


def ring(pk: int) -> None:
    """Has the queue `reports` measure the observers; a broker that is away is rung again by the page that waits."""
    try:
        app.send_task(MEASURE_TASK, args=[pk], queue="reports")
    except (OSError, KombuError) as error:
        logger.warning("broker unreachable (%s): the page asks again", error)


def _refuse_changed(order: Mapping[str, Any], ids: Mapping[str, int]) -> None:
    shown = {
        key for pools in order["pools"].values() for pool in pools for key in (*pool["right"], *pool["shown"])
    }
    if gone := sorted(shown - set(ids)):
        raise ChangedMeanwhile(
            f"The study was changed after the observers were asked for ({gone[0]} is gone); ask for them again."
        )


def _rows(job: ObserverJob) -> list[SaliencyMap]:
    """The current maps of the study that have a picture under its colour map, for the predicted class."""
    maps = SaliencyMap.objects.filter(stimulus__study=job.study_id, current=True, rank=0)
    return list(maps.select_related("stimulus").prefetch_related("pictures").order_by("pk"))


def _shown(rows: Sequence[SaliencyMap], conditions: Sequence[Mapping[str, str]]) -> list[ShownMap]:
    """The maps that a condition shows; one that stands under two columns is of the first."""
    columns: dict[tuple[str, str], str] = {}
    for entry in conditions:
        columns.setdefault((entry["classifier"], entry["method"]), entry["column"])
    return [
        ShownMap(row.pk, row.stimulus.key, columns[row.classifier, row.method], row.classifier, row.method)
        for row in rows
        if (row.classifier, row.method) in columns
    ]


def _search(
    ladder: Ladder,
    maps: Sequence[ShownMap],
    pools: Sequence[ObservedPool],
    order: Mapping[str, Any],
    task: str,
    tell: Callable[[float], None],
) -> dict[str, Any]:
    """Pools in which observers fail, of the images of these, as the strategy allows."""
    keys = [key for pool in pools for key in pool.shown]
    places = {key: place for place, key in enumerate(keys)}
    bits = ladder.beaten(maps, keys, lambda fraction: tell(0.6 * fraction))
    strategy, classes = order["search"][task]["strategy"], order["classes"]

    def allowed(pool: Sequence[int]) -> bool:
        different = len({classes[keys[image]] for image in pool})
        return {"one_per_class": different == len(pool), "same_class": different == 1}.get(strategy, True)

    found = search(
        [[places[key] for key in pool.shown] for pool in pools],
        bits.beaten(),
        bits.bits,
        seed=f"{order['seed']} {task}",
        allowed=allowed,
        progress=lambda fraction: tell(0.6 + 0.4 * fraction),
    )
    return {
        "start": order["search"][task]["start"],
        "groups": [[keys[image] for image in pool] for pool in found.pools],
        "judged": found.judged,
        "hits_before": found.hits_before,
        "hits_after": found.hits_after,
        "swaps": found.swaps,
        "tries": found.tries,
    }


def _not_there(
    maps: Sequence[ShownMap],
    pools: Sequence[ObservedPool],
    ids: Mapping[str, int],
    view: str,
    trained: bool,
    served: Served,
) -> list[ShownMap]:
    """The maps whose result in their pool is not stored yet, or lacks an observer that there is now.

    The trained matcher learns from all: where one has not been judged by it, all are looked at again.
    """
    wanted = {source: pool_key(ids[key] for key in pool.shown) for pool in pools for source in pool.right}
    asked = [one for one in maps if one.key in wanted]
    stored = {
        (pk, pool): set(found)
        for pk, pool, found in ObservedMap.objects.filter(
            saliency_map__stimulus__study=_study_of(asked), view=view
        ).values_list("saliency_map_id", "pool", "found")
    }

    def lacks(one: ShownMap) -> bool:
        have = stored.get((one.pk, wanted[one.key]))
        if have is None:
            return True
        return OTHER_CAM not in have and (one.classifier, one.key) in served.arrays

    new = [one for one in asked if lacks(one)]
    unlearnt = trained and any(TRAINED not in stored.get((one.pk, wanted[one.key]), set()) for one in asked)
    return asked if unlearnt else new


def _study_of(maps: Sequence[ShownMap]) -> int | None:
    if not maps:
        return None
    study: int = SaliencyMap.objects.values_list("stimulus__study_id", flat=True).get(pk=maps[0].pk)
    return study


def _store(
    observed: Observed,
    maps: Sequence[ShownMap],
    pools: Sequence[ObservedPool],
    ids: Mapping[str, int],
    view: str,
) -> None:
    pool_of = {source: pool for pool in pools for source in pool.right}
    keys = {id(pool): pool_key(ids[key] for key in pool.shown) for pool in pools}
    rows = [
        ObservedMap(
            saliency_map_id=one.pk,
            pool=keys[id(pool_of[one.key])],
            view=view,
            found=_json(observed.choices[one.pk], pool_of[one.key]),
        )
        for one in maps
        if one.pk in observed.choices
    ]
    ObservedMap.objects.bulk_create(
        rows,
        batch_size=ROWS_AT_ONCE,
        update_conflicts=True,
        unique_fields=["saliency_map", "pool", "view"],
        update_fields=["found", "seal"],
    )


def _json(choices: Mapping[str, ObserverChoice], pool: ObservedPool) -> dict[str, Any]:
    return {
        observer: {
            "choice": "" if choice.place is None else pool.shown[choice.place],
            "margin": round(choice.margin, 6),
        }
        for observer, choice in choices.items()
    }


def _notes(observed: Observed, maps: Sequence[ShownMap]) -> list[str]:
    """What a reader of the results must know."""
    notes = []
    if observed.unreadable:
        first = "; ".join(observed.unreadable[:LONGEST_LIST])
        notes.append(
            f"{len(observed.unreadable)} pictures cannot be read and their maps are left out: {first}."
        )
    if observed.blind:
        first = "; ".join(observed.blind[:LONGEST_LIST])
        notes.append(f"“{observer_kinds.name(OTHER_CAM)}” cannot read {len(observed.blind)} arrays: {first}.")
    if observed.alike:
        notes.append(
            f"{observed.alike} pools show the same picture twice: no observer can tell them apart, and it chooses none."
        )
    undecided = Counter(
        observer
        for one in observed.choices.values()
        for observer, choice in one.items()
        if choice.place is None
    )
    notes += [
        f"“{observer_kinds.name(observer)}” cannot tell the candidates apart for {number} of {len(maps)} maps (a flat map, "
        "or equal candidates); that counts as not right."
        for observer, number in sorted(undecided.items())
    ]
    if observed.unlearnt:
        notes.append(f"“{observer_kinds.name(TRAINED)}” is left out: it {observed.unlearnt}.")
    return notes


def _teller(job: ObserverJob) -> Callable[[float, float], Callable[[float], None]]:
    """Writes how far a part is, as a share of the whole, into the job's row."""

    def part(start: float, width: float) -> Callable[[float], None]:
        def tell(fraction: float) -> None:
            ObserverJob.objects.filter(pk=job.pk).update(fraction=start + width * fraction)

        return tell

    return part
