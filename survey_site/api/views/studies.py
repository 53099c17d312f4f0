"""Where to begin, the studies, Table 1 and the places."""

from django.db.models import Prefetch, QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import generics, views
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from survey_site.api.authentication import studies_for
from survey_site.api.serializers import (
    PlacesSerializer,
    RootSerializer,
    StudySerializer,
)
from survey_site.api.views.of_study import ERRORS, POPULATION, ById, OfStudy
from survey_site.protocols import masking
from survey_site.protocols.models import Protocol
from survey_site.reports import cached_report
from survey_site.reports.population import Population, protocol_of
from survey_site.studies import audit
from survey_site.studies.access import Action
from survey_site.studies.models import Study
from survey_site.trials.places import places_of


def _with_parts(studies: QuerySet[Study]) -> QuerySet[Study]:
    """With what is told beside; sealed documents, which are long, stay in the database."""
    return studies.prefetch_related("conditions", Prefetch("protocols", Protocol.objects.defer("document")))


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
        return _with_parts(studies_for(self.request, "view"))


@extend_schema_view(get=extend_schema(responses={200: StudySerializer, **ERRORS}))
class StudyDetail(generics.RetrieveAPIView[Study]):
    """One study."""

    serializer_class = StudySerializer
    lookup_field = "slug"

    queryset = Study.objects.none()

    def get_queryset(self) -> QuerySet[Study]:
        return _with_parts(studies_for(self.request, "view"))


class Report(OfStudy):
    """Table 1."""

    @extend_schema(
        parameters=[
            *POPULATION,
            OpenApiParameter(
                "protocol",
                {"type": "integer", "minimum": 1},
                description="Version; default: the newest, no pilot.",
            ),
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
        if version is not None:
            if not (version.isascii() and version.isdecimal() and int(version[:10])):
                raise ValidationError({"protocol": "must be the number of a version"})
            if len(version) > 9 or not protocol_of(study, int(version)):
                raise NotFound("The study has no protocol of this version.")
        audit.record_look(
            request, study, "report opened", f"API {request.GET.urlencode()}{self.by()}".strip()
        )
        masking.note_shown(study, request.user.pk)
        population = Population.from_query(request.GET)
        protocol = protocol_of(study, int(version) if version else None)
        data = cached_report.data_version(protocol, population) if protocol else ""
        found = cached_report.report_of(data) if protocol else None
        return Response(found or cached_report.points(study, protocol, population, data))


class RecruitmentPlaces(OfStudy):
    """How the recruitment stands."""

    action: Action = "recruit"

    @extend_schema(responses={200: PlacesSerializer, **ERRORS})
    def get(self, request: Request, slug: str) -> Response:
        """Places and how participants ended; neither codes nor ids of the provider."""
        self.refuse_unknown()
        return Response(PlacesSerializer(places_of(self.study())).data)
