"""Admin classes that show a researcher only what belongs to studies shared with them (studies/access.py)."""

from typing import Any

from django.contrib.admin.filters import RelatedFieldListFilter
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from survey_site.studies.access import Action, visible_studies
from survey_site.studies.models import Study


class OwnStudies(RelatedFieldListFilter):
    """A filter by study that names only the studies shared with the researcher."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            (str(study.pk), study.title) for study in visible_studies(request.user, "view").order_by("title")
        ]


class ScopedAdmin(ModelAdmin):
    """Rights come from the roles in a study, not from Django's model permissions.

    `study_path` leads from the model to its study (`""` for the study itself); `see` and `change` are the
    actions of studies/access.py that viewing and changing a row need.
    """

    study_path = "study"
    see: Action = "view"
    change: Action = "edit"

    def allowed(self, request: HttpRequest, action: Action) -> QuerySet[Study]:
        return visible_studies(request.user, action)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        studies = self.allowed(request, self.see)
        lookup = f"{self.study_path}__in" if self.study_path else "pk__in"
        rows: QuerySet[Any] = super().get_queryset(request)
        return (
            rows
            if getattr(request.user, "is_superuser", False)
            else rows.filter(**{lookup: studies.values("pk")})
        )

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and request.user.is_staff)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._has(request, obj, self.see)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._has(request, obj, self.change)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._has(request, obj, self.change)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_module_permission(request)

    def _has(self, request: HttpRequest, obj: Model | None, action: Action) -> bool:
        if not self.has_module_permission(request):
            return False
        if obj is None:
            return True
        study = self._study(obj)
        if study is None:  # a row of the site itself
            return bool(getattr(request.user, "is_superuser", False))
        return self.allowed(request, action).filter(pk=study.pk).exists()

    def _study(self, obj: Any) -> Study | None:
        for step in filter(None, self.study_path.split("__")):
            obj = getattr(obj, step)
        return obj


class ReadOnlyScopedAdmin(ScopedAdmin):
    """Rows that the site writes and people read."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
