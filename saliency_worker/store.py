"""Between the engine and the site: the only file of the worker that touches the ORM and the storage."""

import io
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from django.db import transaction

from saliency_worker.differences import MapDifference, causes, distance, pixels, values
from saliency_worker.saliency import images as decoding
from saliency_worker.saliency.errors import SaliencyError
from saliency_worker.saliency.explain import Explainer
from saliency_worker.saliency.results import ClassMaps, Explanation, MapResult
from saliency_worker.saliency.settings import Settings
from survey_site.stimuli import leased_rows, storage
from survey_site.stimuli.models import (
    Job,
    MapPicture,
    PrecomputeJob,
    RecomputeJob,
    SaliencyMap,
    StimulusFeatures,
)


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
        options = {name: tuple(v) if isinstance(v, list) else v for name, v in job.settings.items()}
        return _load(job.classifier, tuple(job.methods), tuple(sorted(options.items())))
    except Exception as error:
        raise Unloadable(error) from error


@lru_cache(maxsize=2)
def _load(classifier: str, methods: tuple[str, ...], options: tuple[tuple[str, Any], ...]) -> Explainer:
    return Explainer.load(classifier, Settings(methods=methods, **dict(options)))


def images(group: Iterable[Job]) -> Iterator[tuple[str, np.ndarray]]:
    """(SHA-256, uint8 RGB) of the jobs' stimuli, each checked against its hash."""
    for job in group:
        data = storage.get(job.stimulus.path)
        if storage.sha256(data) != job.stimulus.sha256:
            raise DamagedFile(f"The stored file of {job.stimulus.key} was altered; upload the image again.")
        yield job.stimulus.sha256, decoding.decode(data)


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
            row = _row(job, rank, group, result, array_path)
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


def _put(result: MapResult) -> tuple[str, str]:
    buffer = io.BytesIO()
    np.save(buffer, result.scalar)
    array_path, _ = storage.put("maps", buffer.getvalue(), ".npy")
    picture_path, _ = storage.put("maps", result.png, ".png")
    return array_path, picture_path


def _row(
    job: PrecomputeJob, rank: int, explained: ClassMaps, result: MapResult, array_path: str
) -> SaliencyMap:
    provenance = result.provenance
    own: dict[str, Any] = {"stimulus": job.stimulus, "classifier": job.classifier, "method": result.key}
    identity = own | {
        "layer": provenance.get("layer") or "",
        "class_index": provenance.get("class_index", explained.class_index),
        "parameters_hash": provenance["parameters_hash"],
    }
    SaliencyMap.objects.filter(**own, rank=rank).update(current=False)
    row, _ = SaliencyMap.objects.update_or_create(
        **identity,
        defaults={
            "rank": rank,
            "class_name": explained.class_name,
            "array_sha256": result.array_sha256,
            "array_path": array_path,
            "metrics": result.metrics,
            "provenance": provenance,
            "current": True,
        },
    )
    return row


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
