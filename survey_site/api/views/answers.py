"""The answers and who gave them, for analysis elsewhere."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from survey_site.api.serializers import (
    WITHOUT_NUL,
    ParticipantSerializer,
    ResponseSerializer,
    prefixed,
)
from survey_site.api.views.of_study import ERRORS, POPULATION, ById, OfStudy
from survey_site.protocols import masking
from survey_site.reports.exports.columns import responses_columns, task_names
from survey_site.reports.exports.csv_stream import response_rows
from survey_site.reports.exports.export_column import ExportColumn
from survey_site.reports.population import Population
from survey_site.studies.access import Action
from survey_site.trials.models import Participant
from survey_site.trials.models import Response as Answer

TEXT = {"type": "string", "pattern": WITHOUT_NUL}
PILOT = OpenApiParameter(
    "pilot", OpenApiTypes.STR, enum=["0", "1"], description="1: answers given under a pilot too."
)


class Responses(OfStudy, generics.ListAPIView[Any]):
    """The answers, in pages, with the columns of responses.csv."""

    action: Action = "export"
    serializer_class = ResponseSerializer
    pagination_class = ById
    queryset = Answer.objects.none()
    columns: tuple[ExportColumn, ...] = ()

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "task",
                str,
                enum=list(task_names()),
                description="Name of the task, such as those of the column `task`.",
            ),
            OpenApiParameter("column", TEXT, description="Table-1 column."),
            OpenApiParameter("participant", TEXT, description="Code of the participant."),
            OpenApiParameter("stimulus", TEXT, description="Key of the source image."),
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
        if task := self.one_of("task", list(task_names(study))):
            rows = rows.filter(task=task)
        letters = masking.column_letters(study)
        named = {letter: column for column, letter in letters.items()}
        for name, path in paths.items():
            if name in self.request.GET:
                value = plain(name, self.request.GET[name])
                if name == "column" and letters:
                    value = named.get(value, "")  # asking by name would open it
                rows = rows.filter(**{path: value})
        masking.note_shown(study, self.request.user.pk)
        self.columns = responses_columns(study)
        return rows.values("id", **{prefixed(column): column.source for column in self.columns})

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "columns": self.columns}


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
