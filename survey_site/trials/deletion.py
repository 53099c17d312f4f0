"""The end of a study: it is deleted with everything that belongs to it, or not at all."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from survey_site.protocols import stored_files
from survey_site.protocols.models import Protocol, ServedImage
from survey_site.stimuli.leased_rows import LeasedRow
from survey_site.stimuli.models import MapPicture, OwnModel, PrecomputeJob, RecomputeJob, SaliencyMap
from survey_site.studies import audit, states
from survey_site.studies.editing import editing
from survey_site.studies.models import Study
from survey_site.trials.models import Participant, Response

BATCH = 500


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a study holds, in numbers: what goes with it. people: without bots and previews."""

    people: int
    answers: int
    versions: int
    images: int
    maps: int
    files: int

    def __str__(self) -> str:
        return (
            f"{self.people} participants, {self.answers} answers, {self.versions} versions, {self.images} images, "
            f"{self.maps} maps, {self.files} files"
        )


def holdings(study: Study) -> Holdings:
    """Counts what a deletion would take away. files: also those that another study keeps."""
    return Holdings(
        people=Participant.objects.filter(study=study, kind=Participant.Kind.PERSON).count(),
        answers=Response.objects.filter(participant__study=study).count(),
        versions=study.protocols.count(),
        images=study.stimuli.count(),
        maps=SaliencyMap.objects.filter(stimulus__study=study).count(),
        files=stored_files.count_of(study),
    )


def refuse_deletion(study: Study) -> None:
    """Raises StateForbids while participants may come, and while a worker computes maps of the study."""
    if study.state not in states.DELETABLE:
        raise states.StateForbids([states.no_deletion(study.state)])
    if OwnModel.objects.filter(study=study, **_under_lease()).exists():
        raise states.StateForbids(
            ["A worker tries a model of this study just now; delete the study when that has ended."]
        )
    for kind in (PrecomputeJob, RecomputeJob):
        if running := kind._default_manager.filter(stimulus__study=study, **_under_lease()).count():
            raise states.StateForbids(
                [
                    f"A worker computes maps of {running} images of this study just now; cancel the jobs on “Maps”, "
                    "and delete the study when the running ones have ended."
                ]
            )


def _under_lease() -> dict[str, Any]:
    """Of leased rows those that a worker which lives is at."""
    return {"state": LeasedRow.State.RUNNING, "lease_expires_at__gt": timezone.now()}


def delete_study(study: Study, by: int | None) -> Holdings:
    """Deletes the study with everything, and writes a line into the log of the site; returns what went.

    Raises StateForbids, and then changes nothing. Files go after the rows; those that another study names stay.
    """
    with editing(study) as now:
        refuse_deletion(now)
        gone, files = holdings(now), stored_files.of_study(now)
        _delete_rows(now)
        audit.record_of(by, None, "study deleted", f"{now.slug} “{now.title}” ({now.state}): {gone}")
        stored_files.remove_after_commit(files)
    return gone


def _delete_rows(study: Study) -> None:
    """In batches, since a study may hold a million answers; what is protected goes before what protects it."""
    for batch in _batches(Participant.objects.filter(study=study)):
        Response.objects.filter(participant__in=batch).delete()
        Participant.objects.filter(pk__in=batch).delete()
    ServedImage.objects.filter(protocol__study=study).delete()
    Protocol.objects.filter(study=study).delete()
    MapPicture.objects.filter(saliency_map__stimulus__study=study).delete()
    for batch in _batches(SaliencyMap.objects.filter(stimulus__study=study)):
        SaliencyMap.objects.filter(pk__in=batch).delete()
    with transaction.atomic():
        study.delete()


def _batches(rows: QuerySet[Any]) -> Iterator[list[int]]:
    """Row ids, some at a time; each batch begins behind the last, without a look at the rows that are gone."""
    last = 0
    while batch := list(rows.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:BATCH]):
        yield batch
        last = batch[-1]
