"""Copies a study: what is decided about it, its images and maps where wanted. Data and seals stay where they are."""

from collections.abc import Collection, Iterator
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Model, QuerySet

from survey_site.protocols.study_file import read, write
from survey_site.recruitment.models import Recruitment
from survey_site.stimuli.models import MapPicture, PrecomputeJob, SaliencyMap, Stimulus, StimulusFeatures
from survey_site.studies.models import Study

BATCH = 500
OF_THE_RUN = (("study", "closes_on"), ("facts", "ids_erased_on"))  # days of this run, not of the next one


def copy_study(
    source: Study,
    owner: User | None,
    *,
    title: str,
    slug: str,
    images: bool = True,
    maps: bool = True,
    without_earlier: bool = False,
) -> Study:
    """A draft with the design of another study. Raises BadStudyFile where that cannot be stored as it is.

    maps: of the images, the current ones. without_earlier: whoever took part in the other study, or in one whose people
    it left out, is not let in.
    """
    description = write.description_of(source, images=False)
    for section, name in OF_THE_RUN:
        description[section].pop(name, None)
    with transaction.atomic():
        made = read.make(read.checked(description, slug=slug, title=title), owner, without_images=not images)
        _copy_models(source, made)
        if images:
            keys = _copy_images(source, made)
            if maps:
                _copy_maps(source, keys)
        if without_earlier:
            earlier = Recruitment.objects.filter(study=source).first()
            recruitment = Recruitment.objects.create(study=made)
            recruitment.earlier_studies.set([source, *(earlier.earlier_studies.all() if earlier else ())])
    return made


def _copy_models(source: Study, made: Study) -> None:
    for row in source.own_models.all():
        _again(row, study=made).save()


def _copy_images(source: Study, made: Study) -> dict[int, int]:
    """The new rows; id of the old one → id of the new."""
    old = list(source.stimuli.order_by("pk"))
    new = Stimulus.objects.bulk_create([_again(row, study=made) for row in old], batch_size=BATCH)
    return {one.pk: other.pk for one, other in zip(old, new, strict=True)}


def _copy_maps(source: Study, images: dict[int, int]) -> None:
    """The current maps with pictures and features, and the finished jobs, so that nothing is computed twice."""
    done = PrecomputeJob.objects.filter(stimulus__study=source, state=PrecomputeJob.State.DONE)
    for rows in (StimulusFeatures.objects.filter(stimulus__study=source), done):
        for batch in _batches(rows):
            type(batch[0])._default_manager.bulk_create(
                [_again(row, stimulus_id=images[row.stimulus_id]) for row in batch]
            )
    for batch in _batches(SaliencyMap.objects.filter(stimulus__study=source, current=True)):
        made = SaliencyMap.objects.bulk_create(
            [_again(row, stimulus_id=images[row.stimulus_id]) for row in batch]
        )
        new = {old.pk: row.pk for old, row in zip(batch, made, strict=True)}
        MapPicture.objects.bulk_create(
            [
                _again(row, saliency_map_id=new[row.saliency_map_id])
                for row in MapPicture.objects.filter(saliency_map__in=list(new)).order_by("pk")
            ]
        )


def _batches(rows: "QuerySet[Any]") -> Iterator[list[Any]]:
    last = 0
    while batch := list(rows.filter(pk__gt=last).order_by("pk")[:BATCH]):
        yield batch
        last = batch[-1].pk


NEVER: Collection[str] = ("id", "seal", "created_at")


def _again(row: Model, **other: Any) -> Any:
    """A row that says the same, not stored yet, but for these columns."""
    values = {f.attname: getattr(row, f.attname) for f in row._meta.concrete_fields if f.name not in NEVER}
    values = {name: value for name, value in values.items() if name.removesuffix("_id") not in other}
    return type(row)(**(values | other))
