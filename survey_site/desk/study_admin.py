"""The researcher's desk for studies: design, images, maps, going live."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from survey_site.accounts import confirmation
from survey_site.desk import page_table, plan_fields, stopping_fields
from survey_site.desk.pages import conditions as conditions_page
from survey_site.desk.pages import new_study as new_study_page
from survey_site.desk.pages import study_from_file
from survey_site.desk.scoped_admin import ScopedAdmin
from survey_site.desk.steps import path_html
from survey_site.desk.study_form import declared_fields, field_names, study_form, told_settings
from survey_site.desk.study_inlines import ConditionInline, MembershipInline
from survey_site.desk.study_list import StateFilter, counted
from survey_site.studies import audit, changes, states
from survey_site.studies.access import is_owner, is_superuser, may_now
from survey_site.studies.models import Condition, Membership, Study
from survey_site.tasks import registry
from survey_site.trials import deletion

admin.site.index_title = _("Overview")
LIST = "studies_study_changelist"
TASKS, DECLARED = "(the tasks' settings)", "(rules and plan)"  # where they stand among the fields


def _unfolded(fields: Iterable[str], places: Mapping[str, Iterable[str]]) -> Iterator[str]:
    for field in fields:
        yield from places.get(field, (field,))


@admin.register(Study)
class StudyAdmin(ScopedAdmin):
    study_path = ""
    when_empty = _("Create a study: a title, a design to start from, images; its pages then lead you on.")
    list_display = ("title", "shown_state", "images", "maps", "finished", "target_participants")
    list_filter = (StateFilter, "origin")
    search_fields = ("title", "slug")
    prepopulated_fields = {"slug": ("title",)}
    readonly_fields = ("steps",)
    inlines = (ConditionInline, MembershipInline)
    fieldsets = (
        (None, {"fields": ("steps", "title", "slug", "owner")}),
        (
            _("Design"),
            {
                "classes": ["tab"],
                "fields": (
                    "target_participants",
                    "closes_on",
                    TASKS,
                    "practice_trials",
                    "attention_checks",
                    "trial_timeout_s",
                    "window_width_px",
                    "window_height_px",
                    "count_unknown_seen",
                    "lease_minutes",
                    "resume_days",
                    "seed",
                ),
            },
        ),
        (
            _("Maps and images"),
            {
                "classes": ["tab"],
                "fields": ("edges", "colour_map", "image_px", "explain_own_class", "overlay"),
            },
        ),
        (
            _("Analysis"),
            {
                "classes": ["tab"],
                "fields": (DECLARED, "require_rehearsal", "replicates_paper"),
            },
        ),
    )

    def get_fieldsets(self, request: HttpRequest, obj: Study | None = None) -> Any:
        """Settings of tasks, rules and plan stand among the design's fields; of a sealed study they are told, not asked."""
        tasks = registry.installed()
        places = {TASKS: field_names(tasks), DECLARED: list(declared_fields(tasks))}
        if obj is not None and not obj.is_editable:
            places = {TASKS: ["shown_tasks"], DECLARED: ["shown_rules"]}
        if obj is not None and not may_now(request, "edit", obj.pk):
            places["steps"] = []  # they lead to pages that are not theirs
        return [
            (title, options | {"fields": tuple(_unfolded(options["fields"], places))})
            for title, options in self.fieldsets
        ]

    def get_form(
        self, request: HttpRequest, obj: Study | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        kwargs["form"] = study_form(registry.installed())
        return super().get_form(request, obj, change, **kwargs)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Study]:
        """With its counts for the list alone: no other page shows them, and they take long in a large study."""
        studies, match = super().get_queryset(request), request.resolver_match
        return counted(studies) if match and match.url_name == LIST else studies

    def get_readonly_fields(self, request: HttpRequest, obj: Study | None = None) -> Any:
        if obj is None or obj.is_editable:  # the owner changes on a page of its own
            return self.readonly_fields if obj is None else (*self.readonly_fields, "owner")
        return [f.name for f in Study._meta.fields if f.editable and f.name != "id"] + [
            "steps",
            "shown_tasks",
            "shown_rules",
        ]

    def get_prepopulated_fields(self, request: HttpRequest, obj: Study | None = None) -> Any:
        return {} if obj is not None and not obj.is_editable else self.prepopulated_fields

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        if not isinstance(obj, Study):
            return bool(getattr(request.user, "is_superuser", False))
        # What was sealed is deleted on the page “Owner and end”, which says what goes and asks twice.
        return is_owner(request, obj) and obj.is_editable and not obj.protocols.exists()

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """A draft goes with all that hangs on it; the rows' own pages are read-only, which is no reason to keep them."""
        shown, counts, _missing, protected = super().get_deleted_objects(objs, request)
        for study in objs:
            try:
                deletion.refuse_deletion(study)
            except states.StateForbids as error:
                protected += error.problems
        return shown, counts, set(), protected

    def why_kept(self, row: Study) -> str | Promise:
        return _(
            "This was not deleted: a study that was sealed is deleted by its owner, once it is closed, on the page “Owner "
            "and end”."
        )

    def delete_model(self, request: HttpRequest, obj: Study) -> None:
        deletion.delete_study(obj, request.user.pk)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Study]) -> None:
        with transaction.atomic():
            for study in queryset:
                deletion.delete_study(study, request.user.pk)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nothing is changed in an archived study."""
        archived = isinstance(obj, Study) and obj.state == Study.State.ARCHIVED
        return not archived and super().has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Study, form: Any, change: bool) -> None:
        if not change and obj.owner_id is None:
            obj.owner_id = request.user.pk  # whoever makes a study owns it
        super().save_model(request, obj, form, change)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Whoever makes a study owns it; superusers make studies for others too."""
        if db_field.name == "owner" and not is_superuser(request):
            kwargs["queryset"] = User.objects.filter(username=request.user.get_username())
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """With whom the study is shared changes only for who has just confirmed; all else of the form is saved."""
        if formset.model is Membership and formset.has_changed() and not confirmation.is_fresh(request):
            formset.new_objects = formset.changed_objects = formset.deleted_objects = []
            text = _(
                'With whom the study is shared was not changed: <a href="{}">confirm that it is you</a>, then do it again.'
            )
            self.message_user(request, format_html(str(text), confirmation.address(request)), messages.ERROR)
            return
        study, before = form.instance, conditions_page.recorded(form.instance)
        super().save_formset(request, form, formset, change)
        if formset.model is Condition and formset.has_changed():
            phrases = changes.told_of_lists(before, conditions_page.recorded(study))
            audit.record_changes(request, study, "conditions saved", phrases)
        if formset.model is Membership:
            for row in (*formset.new_objects, *(row for row, _ in formset.changed_objects)):
                audit.record(request, study, "shared", f"{row.user} as {row.role}")
            for row in formset.deleted_objects:
                audit.record(request, study, "no longer shared", str(row.user))

    @display(
        description=_("State"),
        label={"draft": "info", "pilot": "warning", "live": "success", "paused": "warning", "closed": ""},
    )
    def shown_state(self, study: Study) -> tuple[str, str]:
        return study.state, study.get_state_display()

    @display(description=_("Images"), ordering="n_images")
    def images(self, study: Any) -> int:
        return int(study.n_images)

    @display(description=_("Maps"))
    def maps(self, study: Any) -> str:
        return f"{study.n_done} of {study.n_jobs} jobs" if study.n_jobs else "–"

    @display(description=_("Finished"), ordering="n_finished")
    def finished(self, study: Any) -> int:
        return int(study.n_finished)

    @display(description=_("What comes next"))
    def steps(self, study: Study) -> SafeString:
        if not study.pk:
            return format_html(
                '<p class="survey-next">{}</p>', _("Save, then upload images, compute the maps and go live.")
            )
        made: SafeString = study.__dict__.get("_steps") or path_html(study)
        study.__dict__["_steps"] = made  # the template asks five times
        return made

    @display(description=_("Tasks"))
    def shown_tasks(self, study: Study) -> SafeString:
        told = told_settings(study)
        return format_html_join("", "<div>{}: <b>{}</b></div>", told)

    @display(description=_("What counts, as declared"))
    def shown_rules(self, study: Study) -> SafeString:
        told = plan_fields.sentences(study.exclusion_rules, study.analysis_plan)
        told += stopping_fields.sentences(study.analysis_plan)
        return format_html_join("", "<div>{}</div>", ((sentence,) for sentence in told))

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Three questions; the study's own pages ask the rest."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        return new_study_page.new_study(request)

    def from_file_view(self, request: HttpRequest) -> HttpResponse:
        """A study of its description."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        return study_from_file.from_file(request)

    def get_urls(self) -> list[URLPattern]:
        admin_view = self.admin_site.admin_view
        made_of_file = path("from-file/", admin_view(self.from_file_view), name="study_from_file")
        return [*page_table.urls(admin_view), made_of_file, *super().get_urls()]

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        if study := context.get("original"):
            context = {**context, "actions_detail": page_table.buttons(request, study)}
            if not study.is_editable and not is_owner(
                request, study
            ):  # with whom it is shared is all that changes
                context |= {"show_save": False, "show_save_and_continue": False}
        return super().render_change_form(request, context, *args, **kwargs)
