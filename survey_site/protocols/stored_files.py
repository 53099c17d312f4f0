"""The files that rows name, and their removal when no row names them any more.

Files are content-addressed: two studies that hold the same picture share one file, which stays until the last row goes.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import QuerySet

from survey_site.protocols.models import ServedImage
from survey_site.stimuli.models import MapPicture, OwnModel, SaliencyMap, Stimulus
from survey_site.studies.models import Study

logger = logging.getLogger(__name__)
BATCH = 500
NAMED = (
    (Stimulus, "path"),
    (Stimulus, "region_path"),
    (SaliencyMap, "array_path"),
    (MapPicture, "path"),
    (ServedImage, "path"),
    (OwnModel, "path"),
)
"""Every column that names a file; previews of models are named inside of `found`."""
PREVIEWS = "previews/"


def of_study(study: Study) -> set[str]:
    """All files of a study: its images, maps, pictures as participants receive them, and models."""
    return set(_named_by(study)) | of_models(study.own_models.all())


def count_of(study: Study) -> int:
    """How many these are, counted where they stand: a study of a million maps has millions."""
    return _named_by(study).count() + len(of_models(study.own_models.all()))


def _named_by(study: Study) -> QuerySet[Any, str]:
    return _columns(study.stimuli.all(), ServedImage.objects.filter(protocol__study=study))


def of_models(rows: Iterable[OwnModel]) -> set[str]:
    """The files of uploaded models, and the previews of all, which are a model's own."""
    found: set[str] = set()
    for row in rows:
        found |= {row.path} if row.source == OwnModel.Source.UPLOAD else set()
        found |= {preview["picture"] for preview in row.found.get("previews", [])}
    return found


def of_images(images: QuerySet[Stimulus]) -> set[str]:
    """The files of these images, of their regions and of their maps."""
    return set(_columns(images))


def _columns(images: QuerySet[Stimulus], *more: QuerySet[ServedImage]) -> QuerySet[Any, str]:
    """The files of these images and of further rows, each once, as one query."""
    rows = images.order_by().values("pk")
    maps = SaliencyMap.objects.filter(stimulus__in=rows)
    pictures = MapPicture.objects.filter(saliency_map__stimulus__in=rows)
    named = [(images, "path"), (images, "region_path"), (maps, "array_path"), (pictures, "path")]
    first, *others = (
        queryset.order_by().exclude(**{column: ""}).values_list(column, flat=True)
        for queryset, column in [*named, *((queryset, "path") for queryset in more)]
    )
    return first.union(*others)


def remove_after_commit(paths: Iterable[str]) -> None:
    """Once this transaction has taken the rows away, removes those of their files that no row names any more."""
    transaction.on_commit(partial(remove_unused, list(paths)))


def remove_unused(paths: Iterable[str]) -> int:
    """Deletes those of these files that no row names; returns how many. What cannot be deleted is logged, by name."""
    removed = 0
    for path in unused(sorted(set(paths) - {""})):
        try:
            default_storage.delete(path)
            removed += 1
        except Exception:  # whatever the storage raises: the rows are gone, and the other files go too
            logger.exception("the file %s of a deleted row could not be removed; remove it by hand", path)
    return removed


def unused(paths: Sequence[str]) -> Iterator[str]:
    """Those of these files that no row names."""
    for start in range(0, len(paths), BATCH):
        batch = paths[start : start + BATCH]
        named: set[str] = set()
        for model, column in NAMED:
            rows = model._default_manager.filter(**{f"{column}__in": batch})
            named |= set(rows.values_list(column, flat=True))
        if any(path.startswith(PREVIEWS) for path in batch):
            named |= of_models(OwnModel.objects.all())
        yield from (path for path in batch if path not in named)
