"""The REST API: read a study and its data, upload stimuli, queue maps. Every view asks `studies_for`."""

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import generics, status, views
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import CursorPagination
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from survey_site.api.authentication import studies_for
from survey_site.api.errors import ErrorSerializer
from survey_site.api.serializers import (
    JobSerializer,
    ParticipantSerializer,
    PlacesSerializer,
    PrecomputeSerializer,
    QueuedSerializer,
    ResponseSerializer,
    RootSerializer,
    StimulusSerializer,
    StudySerializer,
    UploadedSerializer,
    UploadSerializer,
    prefixed,
)
from survey_site.reports import cached_report
from survey_site.reports.exports.columns import RESPONSES
from survey_site.reports.exports.csv_stream import response_rows
from survey_site.reports.point_report import point_report
from survey_site.reports.population import Population, protocol_of
from survey_site.stimuli import intake, jobs
from survey_site.stimuli.archives import Upload
from survey_site.stimuli.models import PrecomputeJob, Stimulus
from survey_site.studies import audit
from survey_site.studies.access import Action
from survey_site.studies.models import Study
from survey_site.trials.models import Participant
from survey_site.trials.models import Response as Answer
from survey_site.trials.places import places_of

ERRORS = {400: ErrorSerializer, 401: ErrorSerializer, 403: ErrorSerializer, 404: ErrorSerializer}
POPULATION = [
    OpenApiParameter(
        "bots", OpenApiTypes.STR, enum=["0", "1"], description="1: count simulated participants too."
    ),
    OpenApiParameter(
        "unfinished", OpenApiTypes.STR, enum=["0", "1"], description="1: count who has not finished."
    ),
    OpenApiParameter("excluded", OpenApiTypes.STR, enum=["0", "1"], description="1: count who was excluded."),
]
PILOT = OpenApiParameter(
    "pilot", OpenApiTypes.STR, enum=["0", "1"], description="1: answers given under a pilot too."
)


class ById(CursorPagination):
    """Pages of 100 (at most 1000) in the order in which rows came; new rows never shift a page."""

    ordering = "id"
    page_size = 100
    page_size_query_param = "page_size"
    max_page_size = 1000


class OfStudy(views.APIView):
    """A view below `/studies/{slug}/`: 404 for studies that are not there or not shared with the user."""

    action: Action = "results"

    def study(self, action: Action | None = None) -> Study:
        study = studies_for(self.request, action or self.action).filter(slug=self.kwargs["slug"]).first()
        if study is None:
            raise NotFound("No such study, or it is not shared with you.")
        return study

    def exported(self, study: Study) -> None:
        """Records that data left the site: once an hour for each reader and question, not for each page."""
        asked = self.request.GET.copy()
        for name in ("cursor", "page_size", "format"):
            asked.pop(name, None)
        what = f"API {self.__class__.__name__.lower()} {asked.urlencode()}".strip()
        by = f" by {self.request.auth}" if self.request.auth else ""
        audit.record_once(self.request, study, "exported", what + by, within=timedelta(hours=1))

    def refuse_unknown(self, *known: str) -> None:
        """A misspelt filter must not quietly give everything."""
        paging = {"cursor", "page_size", "format"}
        unknown = sorted(set(self.request.GET) - {*known, *paging})
        if unknown:
            raise ValidationError(dict.fromkeys(unknown, "unknown parameter"))

    def one_of(self, name: str, choices: list[str]) -> str:
        value: str = self.request.GET.get(name, "")
        if value and value not in choices:
            raise ValidationError({name: f"must be one of {', '.join(choices)}"})
        return value


class Root(views.APIView):
    """Where to begin."""

    @extend_schema(responses={200: RootSerializer, **ERRORS})
    def get(self, request: Request) -> Response:
        names = {"studies": "api-studies", "schema": "schema", "documentation": "api-docs"}
        return Response({name: reverse(view, request=request) for name, view in names.items()})


@extend_schema_view(get=extend_schema(responses={200: StudySerializer(many=True), **ERRORS}))
class Studies(generics.ListAPIView[Study]):
    """The studies that are shared with you."""

    serializer_class = StudySerializer
    pagination_class = ById

    queryset = Study.objects.none()

    def get_queryset(self) -> QuerySet[Study]:
        return studies_for(self.request, "view").prefetch_related("conditions", "protocols")


@extend_schema_view(get=extend_schema(responses={200: StudySerializer, **ERRORS}))
class StudyDetail(generics.RetrieveAPIView[Study]):
    """One study."""

    serializer_class = StudySerializer
    lookup_field = "slug"

    queryset = Study.objects.none()

    def get_queryset(self) -> QuerySet[Study]:
        return studies_for(self.request, "view").prefetch_related("conditions", "protocols")


class Report(OfStudy):
    """Table 1."""

    @extend_schema(
        parameters=[
            *POPULATION,
            OpenApiParameter("protocol", int, description="Version; default: the newest, no pilot."),
        ],
        responses={200: OpenApiTypes.OBJECT, **ERRORS},
    )
    def get(self, request: Request, slug: str) -> Response:
        """The JSON of `manage.py report`. Intervals and tests are null until the report's task has run."""
        self.refuse_unknown("bots", "unfinished", "excluded", "protocol")
        study = self.study()
        for name in ("bots", "unfinished", "excluded"):
            self.one_of(name, ["0", "1"])
        version = request.GET.get("protocol")
        if version is not None and not (version.isdecimal() and protocol_of(study, int(version))):
            raise ValidationError({"protocol": "the study has no such version"})
        population = Population.from_query(request.GET)
        protocol = protocol_of(study, int(version) if version else None)
        found = (
            cached_report.report_of(cached_report.data_version(protocol, population)) if protocol else None
        )
        return Response(found or point_report(study, population, protocol.version if protocol else None))


class Responses(OfStudy, generics.ListAPIView[Any]):
    """The answers, in pages, with the columns of responses.csv."""

    action: Action = "export"
    serializer_class = ResponseSerializer
    pagination_class = ById
    queryset = Answer.objects.none()

    @extend_schema(
        parameters=[
            OpenApiParameter("task", str, enum=["matching", "rating"]),
            OpenApiParameter("column", str, description="Table-1 column."),
            OpenApiParameter("participant", str, description="Code of the participant."),
            OpenApiParameter("stimulus", str, description="Key of the source image."),
            POPULATION[0],
            PILOT,
        ],
        responses={200: ResponseSerializer(many=True), **ERRORS},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Filters are exact and combine by “and”."""
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> Any:
        study = self.study()
        self.refuse_unknown("task", "column", "participant", "stimulus", "bots", "pilot")
        for name in ("bots", "pilot"):
            self.one_of(name, ["0", "1"])
        self.exported(study)
        rows = response_rows(study, Population.from_query(self.request.GET)).order_by("id")
        paths = {
            "column": "condition__column",
            "participant": "participant__code",
            "stimulus": "trial__stimulus__key",
        }
        if task := self.one_of("task", ["matching", "rating"]):
            rows = rows.filter(task=task)
        for name, path in paths.items():
            if name in self.request.GET:
                rows = rows.filter(**{path: plain(name, self.request.GET[name])})
        return rows.values("id", **{prefixed(column): column.source for column in RESPONSES})


def plain(name: str, value: str) -> str:
    """A filter's value; NUL is refused, since PostgreSQL cannot hold it."""
    if "\0" in value:
        raise ValidationError({name: "may not contain NUL"})
    return value


# Of who withdrew nothing is told, not even that they came.
STATES = [state for state in Participant.State.values if state != Participant.State.WITHDRAWN]
KINDS = [kind for kind in Participant.Kind.values if kind != Participant.Kind.PREVIEW]


class Participants(OfStudy, generics.ListAPIView[Participant]):
    """The participants who have not withdrawn, without links and external ids; no researchers' previews."""

    action: Action = "export"
    serializer_class = ParticipantSerializer
    pagination_class = ById
    queryset = Participant.objects.none()

    @extend_schema(
        parameters=[
            OpenApiParameter("state", str, enum=STATES),
            OpenApiParameter("kind", str, enum=KINDS),
        ],
        responses={200: ParticipantSerializer(many=True), **ERRORS},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """In the order in which they came."""
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Participant]:
        study = self.study()
        rows = (
            Participant.objects.filter(study=study, state__in=STATES, kind__in=KINDS)
            .select_related("protocol")
            .defer("protocol__document")
        )
        self.refuse_unknown("state", "kind")
        for name, choices in (("state", STATES), ("kind", KINDS)):
            if value := self.one_of(name, list(choices)):
                rows = rows.filter(**{name: value})
        self.exported(study)
        return rows


class RecruitmentPlaces(OfStudy):
    """How the recruitment stands."""

    action: Action = "recruit"

    @extend_schema(responses={200: PlacesSerializer, **ERRORS})
    def get(self, request: Request, slug: str) -> Response:
        """Places and how participants ended; neither codes nor ids of the provider."""
        self.refuse_unknown()
        return Response(PlacesSerializer(places_of(self.study())).data)


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
        uploads = [Upload(f.name, f.read(), values["stimulus_class"]) for f in values["files"]]
        try:
            found = intake.add_images(study, uploads, values["role"])
        except intake.ImagesRefused as error:
            raise ValidationError({"files": error.problems}) from error
        audit.record(request, study, "images added", f"{len(found.added)} by the API")
        return Response(UploadedSerializer(found).data, status=status.HTTP_201_CREATED)


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
            study, values.get("classifiers"), values.get("methods"), metrics=values["metrics"]
        )
        audit.record(request, study, "jobs: request", f"{queued} by the API")
        return Response({"queued": queued}, status=status.HTTP_202_ACCEPTED)


def refuse_unknown_names(values: dict[str, Any]) -> None:
    """Classifiers and methods that the catalogue does not know."""
    from saliency_worker import catalog

    for name, known in (("classifiers", catalog.CLASSIFIERS), ("methods", catalog.ALL_KEYS)):
        unknown = [value for value in values.get(name) or [] if value not in known]
        if unknown:
            raise ValidationError({name: f"unknown: {', '.join(unknown)}"})
