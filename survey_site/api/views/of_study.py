"""What every view below a study shares: who may see it, its pages, its filters."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import views
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request

from survey_site.api.authentication import studies_for
from survey_site.api.errors import ErrorSerializer
from survey_site.studies import audit, states
from survey_site.studies.access import Action
from survey_site.studies.models import Study

ERRORS = dict.fromkeys((400, 401, 403, 404, 429), ErrorSerializer)
POPULATION = [
    OpenApiParameter(
        "bots", OpenApiTypes.STR, enum=["0", "1"], description="1: count simulated participants too."
    ),
    OpenApiParameter(
        "unfinished", OpenApiTypes.STR, enum=["0", "1"], description="1: count who has not finished."
    ),
    OpenApiParameter("excluded", OpenApiTypes.STR, enum=["0", "1"], description="1: count who was excluded."),
]


class ById(CursorPagination):
    """Pages of 100 (at most 1000) in the order in which rows came; new rows never shift a page."""

    ordering = "id"
    page_size = 100
    page_size_query_param = "page_size"
    max_page_size = 1000

    def get_page_size(self, request: Request) -> int:
        """A size that is none is refused: quietly given another one a program would miss rows, or ask too often."""
        asked = request.query_params.get(self.page_size_query_param)
        if asked is None:
            return self.page_size
        if not (
            asked.isascii() and asked.isdecimal() and len(asked) < 9 and 1 <= int(asked) <= self.max_page_size
        ):
            raise ValidationError({"page_size": f"must be a number from 1 to {self.max_page_size}"})
        return int(asked)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = super().get_schema_operation_parameters(view)
        for parameter in found:
            if parameter["name"] == self.page_size_query_param:
                parameter["schema"] |= {"minimum": 1, "maximum": self.max_page_size}
        return found


class OfStudy(views.APIView):
    """A view below `/studies/{slug}/`: 404 for studies that are not there or not shared with the user."""

    action: Action = "results"

    def study(self, action: Action | None = None) -> Study:
        study = studies_for(self.request, action or self.action).filter(slug=self.kwargs["slug"]).first()
        if study is None:
            raise NotFound("No such study, or it is not shared with you.")
        if self.request.method == "POST" and study.state == states.State.ARCHIVED:
            raise ValidationError({"study": states.archived()})
        return study

    def exported(self, study: Study) -> None:
        """Records that data left the site: once an hour for each reader and question, not for each page."""
        asked = self.request.GET.copy()
        for name in ("cursor", "page_size", "format"):
            asked.pop(name, None)
        what = f"API {self.__class__.__name__.lower()} {asked.urlencode()}".strip()
        audit.record_look(self.request, study, "exported", what + self.by())

    def by(self) -> str:
        """The token that asks, for the audit log; empty for a session."""
        return f" by {self.request.auth}" if self.request.auth else ""

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
