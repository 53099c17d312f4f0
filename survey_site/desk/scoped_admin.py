"""Admin classes that show a researcher only what belongs to studies shared with them (studies/access.py)."""

import json
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.actions import delete_selected
from django.contrib.admin.filters import RelatedFieldListFilter
from django.db import connection, transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from survey_site.desk.seen_values import SeenForm
from survey_site.studies import audit, changes
from survey_site.studies.access import Action, may_now, visible_studies
from survey_site.studies.editing import locked
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

    form = SeenForm
    change_form_before_template = "desk/seen.html"
    list_per_page = 50  # a hundred rows take unfold's templates 0.2 s
    study_path = "study"
    see: Action = "view"
    change: Action = "edit"
    when_empty: str | Promise = ""  # how the list is filled, for whoever finds it empty

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

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """A row that is to be changed is read after its study was locked: as whoever came before has left it."""
        row = super().get_object(request, object_id, from_field)
        if row is None or request.method != "POST" or not connection.in_atomic_block:
            return row
        if study := self._study(row):
            locked(study.pk)
        return super().get_object(request, object_id, from_field)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """With a line in the audit log of what changed, from what to what."""
        stored = type(obj)._base_manager.filter(pk=obj.pk).first()
        before = self._told(stored)
        super().save_model(request, obj, form, change)
        verb = f"{self.opts.verbose_name} saved" if self.study_path else "form saved"
        phrases = changes.told(before, self._told(obj))
        audit.record_changes(request, self._study(obj), verb, phrases, of=str(obj) if self.study_path else "")

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

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        """Without “save and add another”: nobody makes two studies in a row, and the rest is made elsewhere."""
        context = {**context, "show_save_and_add_another": False}
        return super().render_change_form(request, context, *args, **kwargs)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Who may see a study's row but not delete it is told why, on the row's own page."""
        row = self.get_object(request, object_id)
        seen = row is not None and self._study(row) is not None and self.has_view_permission(request, row)
        if row is not None and seen and not self.has_delete_permission(request, row):
            self.message_user(request, self.why_kept(row), messages.ERROR)
            return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", row.pk)
        response: HttpResponse = super().delete_view(request, object_id, extra_context)
        return response

    def why_kept(self, row: Any) -> str | Promise:
        """Why a row is not deleted, and what to do."""
        study = self._study(row)
        if study is not None and not study.is_editable:
            return _("This was not deleted: the study is sealed. Make a new version of the study first.")
        return _("This was not deleted: you may look at it, not change it.")

    def get_actions(self, request: HttpRequest) -> Any:
        actions = super().get_actions(request)
        if "delete_selected" in actions:  # the site's own, which asks for no right to each row
            actions["delete_selected"] = self.get_action("delete_selected")
        return actions

    @admin.action(description=_("Delete the selected %(verbose_name_plural)s"), permissions=["delete"])
    def delete_selected(self, request: HttpRequest, chosen: QuerySet[Any]) -> Any:
        """All of them or none: Django asks for the right to delete rows of this kind, not for that to each row."""
        rows = chosen.select_related(self.study_path) if self.study_path else chosen
        one_of_each_study = {study.pk: row for row in rows if (study := self._study(row))}
        kept = [row for row in one_of_each_study.values() if not self.has_delete_permission(request, row)]
        if kept:
            titles = ", ".join(sorted(str(self._study(row)) for row in kept)[:3])
            text = _(
                "Nothing was deleted. What belongs to %s stays: the study is sealed, or you may not change it. "
                "Leave it out of the selection, or make a new version of the study first."
            )
            self.message_user(request, text % titles, messages.ERROR)
            return None
        return delete_selected(self, request, chosen)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Rows and what hangs on them go together, with a line in the audit log of each study that keeps existing."""
        with transaction.atomic():
            if self.study_path:
                for study in {self._study(row) for row in queryset.select_related(self.study_path)} - {None}:
                    n = queryset.filter(**{self.study_path: study}).count()
                    audit.record(request, study, f"{self.opts.verbose_name_plural} deleted", str(n))
            super().delete_queryset(request, queryset)

    def _has(self, request: HttpRequest, obj: Model | None, action: Action) -> bool:
        if not self.has_module_permission(request):
            return False
        if obj is None:
            return True
        study = self._study(obj)
        if study is None:  # a row of the site itself
            return bool(getattr(request.user, "is_superuser", False))
        return may_now(request, action, study.pk)

    def _told(self, row: Model | None) -> dict[str, Any]:
        return changes.of_study(row) if isinstance(row, Study) else changes.of_row(row)

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


def shown_json(value: Any) -> SafeString:
    """A value of JSON as people read it, in a box that scrolls."""
    return format_html(
        '<pre class="survey-json" tabindex="0">{}</pre>', json.dumps(value, indent=2, ensure_ascii=False)
    )
