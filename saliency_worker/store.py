"""Between the engine and the site. This, model_store.py and observer_store.py alone touch the ORM and the storage."""

import io
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import transaction

from saliency_worker.class_names import BadClassNames, index_of
from saliency_worker.differences import MapDifference, causes, distance, pixels, values
from saliency_worker.model_store import model_file
from saliency_worker.model_trial import ModelRefused
from saliency_worker.saliency import images as decoding
from saliency_worker.saliency.errors import SaliencyError
from saliency_worker.saliency.explain import Explainer
from saliency_worker.saliency.results import ClassMaps, Explanation, MapResult
from saliency_worker.saliency.settings import Settings
from saliency_worker.saliency.work import Image
from survey_site.stimuli import leased_rows, storage
from survey_site.stimuli.map_rows import put_map
from survey_site.stimuli.models import (
    Job,
    MapPicture,
    OwnModel,
    PrecomputeJob,
    RecomputeJob,
    SaliencyMap,
    Stimulus,
    StimulusFeatures,
)

NOT_OF_THE_ENGINE = ("model", "targets")


class Unloadable(Exception):
    """The classifier or the edge model cannot be had: no image of the group can be explained."""

    def __init__(self, cause: Exception) -> None:
        self.cause = cause
        super().__init__(str(cause))


class DamagedFile(SaliencyError):
    """A stored image has other bytes than its row says."""


def explainer(job: Job) -> Explainer:
    """The engine for a job's classifier, methods and settings; the last two are kept loaded."""
    try:
        given = {name: value for name, value in job.settings.items() if name not in NOT_OF_THE_ENGINE}
        options = {name: tuple(v) if isinstance(v, list) else v for name, v in given.items()}
        own = OwnModel.objects.filter(study=job.stimulus.study_id, name=job.classifier).first()
        if own is None:
            return _load(job.classifier, tuple(job.methods), tuple(sorted(options.items())))
        if not own.is_usable:
            raise ModelRefused(
                f"{own.name} was not accepted; look at its preview on the page “Own models” first."
            )
        made = _load(
            model_file(own).engine_name,
            tuple(job.methods),
            tuple(sorted(options.items())),
            tuple(own.class_names),
        )
        if made.run.weights_sha256 != own.sha256:
            raise ModelRefused(
                f"The file of {own.name} was changed after it was registered; register it anew."
            )
        return made
    except Exception as error:
        raise Unloadable(error) from error


@lru_cache(maxsize=2)
def _load(
    classifier: str,
    methods: tuple[str, ...],
    options: tuple[tuple[str, Any], ...],
    class_names: tuple[str, ...] = (),
) -> Explainer:
    chosen = Settings(methods=methods, **dict(options))
    return Explainer.load(classifier, chosen, class_names=class_names or None)


def images(group: Iterable[Job], explainer: Explainer) -> Iterator[Image]:
    """The jobs' stimuli as the engine takes them, each checked against its hash: with the class where one is given, and
    the region of what the image shows where one is known."""
    for job in group:
        data = storage.get(job.stimulus.path)
        if storage.sha256(data) != job.stimulus.sha256:
            raise DamagedFile(f"The stored file of {job.stimulus.key} was altered; upload the image again.")
        target = _own_class(job.stimulus, explainer) if "targets" in job.settings else None
        yield job.stimulus.sha256, decoding.decode(data), target, _region(job.stimulus)


def _region(stimulus: Stimulus) -> npt.NDArray[np.bool_] | None:
    """Bool (H, W) of the image's own size: where what it shows is; None where that is not known."""
    if not stimulus.region_path:
        return None
    data = storage.get(stimulus.region_path)
    if storage.sha256(data) != stimulus.region_sha256:
        raise DamagedFile(
            f"The stored region of {stimulus.key} was altered; give its boxes or its mask again."
        )
    return pixels(data)[..., 0] > 0


def point(job: PrecomputeJob, worker: str) -> None:
    """The pointing game of maps that are there already, after the image's region was given, changed or taken away."""
    engine, region = explainer(job), _region(job.stimulus)
    shown = job.stimulus.maps.filter(classifier=job.classifier, rank=0, current=True)
    with transaction.atomic():
        for row in shown.filter(metrics__isnull=False):
            row.doubt()
            metrics = {name: value for name, value in (row.metrics or {}).items() if name != "pointing"}
            if region is not None:
                scalar = values(storage.get(row.array_path))
                # The same everywhere, it points nowhere.
                metrics["pointing"] = None if metrics.get("empty") else engine.points(scalar, region)
            row.metrics = metrics
            row.save(update_fields=["metrics"])
        if not leased_rows.finish(job, worker, region_only=False):
            transaction.set_rollback(True)  # the lease was lost, or the region changed once more


def _own_class(stimulus: Stimulus, explainer: Explainer) -> int:
    """The class that an image has in the study, as an index of the network's. Raises SaliencyError."""
    try:
        return index_of(explainer.class_names, explainer.classes, stimulus.stimulus_class)
    except BadClassNames as error:
        raise SaliencyError(
            f"{stimulus.key}: {error}. Rename the image's class, or have the predicted class explained."
        ) from error


def save(job: PrecomputeJob, explanation: Explanation, worker: str) -> None:
    """Stores all maps of an image, then their rows and the job's state in one transaction."""
    colour_map = job.settings["colour_map"]
    made = [
        (rank, group, result, *_put(result))
        for rank, group in explanation.by_rank.items()
        for result in group.maps.values()
    ]
    with transaction.atomic():
        for rank, group, result, array_path, picture_path in made:
            row = _row(job, rank, group, _with_photo(result, explanation), array_path)
            MapPicture.objects.update_or_create(
                saliency_map=row,
                colour_map=colour_map,
                defaults={"sha256": result.png_sha256, "path": picture_path},
            )
        StimulusFeatures.objects.update_or_create(
            stimulus=job.stimulus,
            classifier=job.classifier,
            defaults={"vector": [round(float(value), 6) for value in explanation.features]},
        )
        if not leased_rows.finish(job, worker):
            transaction.set_rollback(True)  # the lease was lost: whoever has it now stores the maps


def _with_photo(result: MapResult, explanation: Explanation) -> MapResult:
    """The original's metrics hold beside its own, of the photo masked by itself, what the network says to the photo."""
    if result.key != "original" or not result.metrics:
        return result
    return replace(result, metrics=result.metrics | {"photo": explanation.metrics_original})


def _put(result: MapResult) -> tuple[str, str]:
    buffer = io.BytesIO()
    np.save(buffer, result.scalar)
    array_path, _ = storage.put("maps", buffer.getvalue(), ".npy")
    picture_path, _ = storage.put("maps", result.png, ".png")
    return array_path, picture_path


def _row(
    job: PrecomputeJob, rank: int, explained: ClassMaps, result: MapResult, array_path: str
) -> SaliencyMap:
    provenance = result.provenance | (
        {"target": job.settings["targets"]} if "targets" in job.settings else {}
    )
    return put_map(
        job.stimulus,
        job.classifier,
        result.key,
        layer=provenance.get("layer") or "",
        class_index=provenance.get("class_index", explained.class_index),
        parameters_hash=provenance["parameters_hash"],
        rank=rank,
        class_name=explained.class_name,
        array_sha256=result.array_sha256,
        array_path=array_path,
        metrics=result.metrics,
        provenance=provenance,
    )


def compare(job: RecomputeJob, explanation: Explanation, worker: str) -> None:
    """Compares the job's stored maps with the ones just computed; writes into the job and nowhere else."""
    colour_map = job.settings["colour_map"]
    pictures = {
        picture.saliency_map_id: picture.path
        for picture in MapPicture.objects.filter(saliency_map__in=job.maps, colour_map=colour_map)
    }
    rows = SaliencyMap.objects.filter(pk__in=job.maps).order_by("pk")
    now = explanation.by_rank
    found = [_compared(row, pictures.get(row.pk, ""), now[row.rank].maps[row.method]) for row in rows]
    leased_rows.finish(job, worker, found=found)


def _compared(row: SaliencyMap, picture_path: str, result: MapResult) -> dict[str, Any]:
    try:
        # What is stored counts, not what its row says of it: the stored bytes are read in any case.
        by = MapDifference(
            distance(values(storage.get(row.array_path)), result.scalar),
            distance(pixels(storage.get(picture_path)), result.display) if picture_path else 0.0,
        )
    except FileNotFoundError as error:
        return {"map": row.pk, "problem": f"{error.filename or error} is missing in the storage"}
    except (OSError, ValueError) as error:
        return {"map": row.pk, "problem": f"cannot be compared: {error}"}
    if by.tolerable:
        return {"map": row.pk, "identical": by.array == by.levels == 0, "problem": ""}
    why = "; ".join(causes(row.provenance, result.provenance))
    return {"map": row.pk, "problem": f"{by}{f' ({why})' if why else ''}"}
