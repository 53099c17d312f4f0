"""Upload source images, and queue what is computed from them."""

from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, status
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from saliency_worker import catalog
from survey_site.api.serializers import (
    JobSerializer,
    PrecomputeSerializer,
    QueuedSerializer,
    RegionFilesSerializer,
    RegionsSerializer,
    StimulusSerializer,
    UploadedSerializer,
    UploadSerializer,
)
from survey_site.api.views.of_study import ERRORS, ById, OfStudy
from survey_site.stimuli import intake, jobs, regions
from survey_site.stimuli.archives import Upload
from survey_site.stimuli.models import PrecomputeJob, Stimulus
from survey_site.studies import audit
from survey_site.studies.access import Action


class Stimuli(OfStudy, generics.ListAPIView[Stimulus]):
    """The source images."""

    action: Action = "view"
    serializer_class = StimulusSerializer
    pagination_class = ById
    queryset = Stimulus.objects.none()
    parser_classes = (MultiPartParser,)

    @extend_schema(responses={200: StimulusSerializer(many=True), **ERRORS})
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """In the order in which they were added."""
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Stimulus]:
        return Stimulus.objects.filter(study=self.study())

    @extend_schema(request=UploadSerializer, responses={201: UploadedSerializer, **ERRORS})
    def post(self, request: Request, slug: str) -> Response:
        """Adds pictures to a draft: all of them or none."""
        study = self.study("edit")
        wanted = UploadSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        values = wanted.validated_data
        uploads = [Upload(f.name, f, values["stimulus_class"]) for f in values["files"]]
        try:
            found = intake.add_images(study, uploads, values["role"], within_s=settings.UPLOAD_SECONDS)
        except intake.ImagesRefused as error:
            raise ValidationError({"files": error.problems}) from error
        audit.record(request, study, "images added", f"{len(found.added)} by the API")
        return Response(UploadedSerializer(found).data, status=status.HTTP_201_CREATED)


class Regions(OfStudy):
    """Where the object of each image is, for the pointing game."""

    parser_classes = (MultiPartParser,)

    @extend_schema(request=RegionFilesSerializer, responses={200: RegionsSerializer, **ERRORS})
    def post(self, request: Request, slug: str) -> Response:
        """Gives images of a draft their regions: all of them or none. An earlier region is replaced."""
        study = self.study("edit")
        wanted = RegionFilesSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        uploads = [Upload(f.name, f) for f in wanted.validated_data["files"]]
        try:
            images = regions.add_regions(study, uploads, within_s=settings.UPLOAD_SECONDS)
        except regions.RegionsRefused as error:
            raise ValidationError({"files": list(error.problems)}) from error
        keys = sorted(image.key for image in images)
        audit.record_changes(request, study, "regions given", keys, of=f"{len(keys)} by the API")
        return Response({"stored": keys})


class Jobs(OfStudy, generics.ListAPIView[PrecomputeJob]):
    """Precompute jobs: one per image and classifier."""

    action: Action = "view"
    serializer_class = JobSerializer
    pagination_class = ById
    queryset = PrecomputeJob.objects.none()

    @extend_schema(
        parameters=[OpenApiParameter("state", str, enum=list(PrecomputeJob.State.values))],
        responses={200: JobSerializer(many=True), **ERRORS},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """With the reason where one failed."""
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[PrecomputeJob]:
        rows = PrecomputeJob.objects.filter(stimulus__study=self.study()).select_related("stimulus")
        self.refuse_unknown("state")
        state = self.one_of("state", list(PrecomputeJob.State.values))
        return rows.filter(state=state) if state else rows

    @extend_schema(request=PrecomputeSerializer, responses={202: QueuedSerializer, **ERRORS})
    def post(self, request: Request, slug: str) -> Response:
        """Queues what is missing; asking twice queues nothing twice."""
        study = self.study("edit")
        wanted = PrecomputeSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        values = wanted.validated_data
        refuse_unknown_names(values)
        queued = jobs.request(
            study,
            values.get("classifiers"),
            values.get("methods"),
            metrics=values["metrics"],
            measures=values.get("measures", ()) if values["metrics"] else (),
        )
        audit.record(request, study, "jobs: request", f"{queued} by the API")
        return Response({"queued": queued}, status=status.HTTP_202_ACCEPTED)


def refuse_unknown_names(values: dict[str, Any]) -> None:
    """Classifiers and methods that the catalogue does not know."""
    for name, known in (("classifiers", catalog.CLASSIFIERS), ("methods", catalog.ALL_KEYS)):
        unknown = [value for value in values.get(name) or [] if value not in known]
        if unknown:
            raise ValidationError({name: f"unknown: {', '.join(unknown)}"})
