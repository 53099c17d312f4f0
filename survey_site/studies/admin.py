"""The researcher's desk for studies: design, images, maps, going live."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Count, IntegerField, Model, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import action, display

from saliency_worker import catalog
from survey_site.notifications import page as notifications_page
from survey_site.recruitment import settings_page as recruitment_page
from survey_site.reports import monitor_page, power_page, rehearsal_page
from survey_site.stimuli.map_intake import labels_of
from survey_site.stimuli.models import PrecomputeJob, Stimulus
from survey_site.studies import audit, conditions_page, desk, precompute_page, preview_page, upload_page
from survey_site.studies import sign_ins as sign_ins  # registers their lists
from survey_site.studies.access import ROLES, Action, may_now
from survey_site.studies.models import AuditEntry, Condition, Membership, Protocol, Study, StudyText
from survey_site.studies.scoped import OwnStudies, ReadOnlyScopedAdmin, ScopedAdmin, shown_json
from survey_site.trials.models import Participant

admin.site.index_title = _("Overview")
# What the buttons above a study's form need, where seeing the study is not enough.
NEEDS: dict[str, Action] = {
    "images_page": "edit",
    "conditions_page": "edit",
    "precompute_page": "edit",
    "check_page": "edit",
    "live_page": "edit",
    "report_page": "results",
    "recruitment_page": "recruit",
}
IDENTITY = {"column", "classifier", "base", "method"}


class ConditionForm(forms.ModelForm):
    """A condition whose classifier, base and method are names of the catalogue, or of uploaded maps."""

    class Meta:
        model = Condition
        fields = ("column", "column_order", "classifier", "base", "method", "is_reference")

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        base, method = cleaned.get("base", ""), cleaned.get("method", "")
        if self.instance.pk and IDENTITY & set(self.changed_data) and self.instance.trial_set.exists():
            raise forms.ValidationError(
                _("Participants were shown this condition; keep it as it is and add another one.")
            )
        key = ".".join(part for part in (base, method) if part)
        study = self.instance.study if self.instance.study_id else None
        if study and (cleaned.get("classifier", ""), key) in labels_of(study):
            return self.cleaned_data  # maps made elsewhere
        try:
            if cleaned.get("classifier"):
                self.cleaned_data["classifier"] = catalog.classifier(cleaned["classifier"]).name
            catalog.split_key(key)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error
        return self.cleaned_data


def _is_owner(request: HttpRequest, study: Study) -> bool:
    """Only the owner and superusers share a study, hand it on, or delete its draft."""
    return study.owner_id == request.user.pk or bool(getattr(request.user, "is_superuser", False))


def _count(rows: Any, study: str) -> Coalesce:
    """How many rows belong to the study, counted by themselves: joins would multiply images by jobs by people."""
    counted = rows.filter(**{study: OuterRef("pk")}).order_by().values(study).annotate(n=Count("pk"))
    return Coalesce(Subquery(counted.values("n"), output_field=IntegerField()), 0)


class StudyInline(TabularInline):
    """Rows of a study: whoever may edit the study may edit them."""

    def has_view_permission(self, request: HttpRequest, obj: Study | None = None) -> bool:
        return obj is None or may_now(request, "view", obj.pk)

    def has_change_permission(self, request: HttpRequest, obj: Study | None = None) -> bool:
        return obj is None or may_now(request, "edit", obj.pk)

    def has_add_permission(self, request: HttpRequest, obj: Study | None = None) -> bool:
        return self.has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Study | None = None) -> bool:
        return self.has_change_permission(request, obj)


class DraftInline(StudyInline):
    """Rows that belong to the sealed design: changed in a draft only."""

    def has_change_permission(self, request: HttpRequest, obj: Study | None = None) -> bool:
        return (obj is None or obj.is_editable) and super().has_change_permission(request, obj)


class MembershipInline(StudyInline):
    """With whom the study is shared: the owner's to say."""

    model = Membership
    extra = 0
    tab = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        return super().get_queryset(request).select_related("user")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """The names of all researchers are read once, not for every row of the form."""
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == "user" and field is not None:
            names = User.objects.order_by("username").values_list("pk", "username")
            asked = request.__dict__.setdefault("_researchers", None) or [("", "---------"), *names]
            field.choices = request.__dict__["_researchers"] = asked
        return field

    def has_change_permission(self, request: HttpRequest, obj: Study | None = None) -> bool:
        return obj is None or _is_owner(request, obj)


class ConditionInline(DraftInline):
    model = Condition
    form = ConditionForm
    extra = 0
    tab = True


class StudyTextInline(DraftInline):
    model = StudyText
    extra = 0
    tab = True


@admin.register(Study)
class StudyAdmin(ScopedAdmin):
    study_path = ""
    when_empty = _("Create a study with a title and a short name for its link; its page then leads you on.")
    list_display = ("title", "shown_state", "images", "maps", "finished", "target_participants")
    list_filter = ("state", "origin")
    search_fields = ("title", "slug")
    prepopulated_fields = {"slug": ("title",)}
    readonly_fields = ("steps",)
    inlines = (ConditionInline, StudyTextInline, MembershipInline)
    # The steps are links in the form itself; all of them in the header would leave no room for the title.
    actions_detail = (
        "preview_page",
        "monitor_page",
        "report_page",
        {
            "title": _("Steps"),
            "icon": "checklist",
            "items": ["images_page", "conditions_page", "precompute_page", "check_page", "live_page"],
        },
        {
            "title": _("Settings"),
            "icon": "tune",
            "items": ["recruitment_page", "notifications_page"],
        },
    )
    fieldsets = (
        (None, {"fields": ("steps", "title", "slug", "owner")}),
        (
            _("Design"),
            {
                "classes": ["tab"],
                "fields": (
                    "target_participants",
                    "pool_size",
                    "pool_strategy",
                    "fixed_pools",
                    "matching_trials_per_column",
                    "rating_trials_per_column",
                    "practice_trials",
                    "attention_checks",
                    "offer_cant_tell",
                    "trial_timeout_s",
                    "headline",
                    "count_unknown_seen",
                    "lease_minutes",
                    "resume_days",
                    "seed",
                ),
            },
        ),
        (_("Pictures"), {"classes": ["tab"], "fields": ("edges", "colour_map", "image_px")}),
        (
            _("Analysis"),
            {
                "classes": ["tab"],
                "fields": ("exclusion_rules", "analysis_plan", "require_rehearsal", "languages"),
            },
        ),
    )

    def get_actions_detail(self, request: HttpRequest, object_id: int) -> list[Any]:
        """Buttons of pages that the role opens; the others would answer 404."""
        rights = {right for right in ROLES if may_now(request, right, int(object_id))}
        return [
            found
            for found in super().get_actions_detail(request, object_id)
            if NEEDS.get(found.action_name.removeprefix("studies_study_"), "view") in rights
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Study]:
        jobs = PrecomputeJob.objects.exclude(state=PrecomputeJob.State.CANCELLED)
        finished = Participant.objects.filter(
            kind=Participant.Kind.PERSON, state=Participant.State.FINISHED, surplus=False, excluded=False
        )
        return (
            super()
            .get_queryset(request)
            .annotate(
                n_images=_count(Stimulus.objects, "study"),
                n_jobs=_count(jobs, "stimulus__study"),
                n_done=_count(jobs.filter(state=PrecomputeJob.State.DONE), "stimulus__study"),
                n_finished=_count(finished, "study"),
            )
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Study | None = None) -> Any:
        kept = () if obj is None or _is_owner(request, obj) else ("owner",)
        if obj is None or obj.is_editable:
            return (*self.readonly_fields, *kept)
        free = {"owner"} - set(kept)  # all else is in the sealed document
        return [
            f.name for f in Study._meta.fields if f.editable and f.name not in free and f.name != "id"
        ] + ["steps"]

    def get_prepopulated_fields(self, request: HttpRequest, obj: Study | None = None) -> Any:
        return {} if obj is not None and not obj.is_editable else self.prepopulated_fields

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        if not isinstance(obj, Study):
            return bool(getattr(request.user, "is_superuser", False))
        return _is_owner(request, obj) and obj.is_editable

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """A draft goes with all that hangs on it; the rows' own pages are read-only, which is no reason to keep them."""
        shown, counts, _missing, protected = super().get_deleted_objects(objs, request)
        return shown, counts, set(), protected

    def save_model(self, request: HttpRequest, obj: Study, form: Any, change: bool) -> None:
        if not change and obj.owner_id is None:
            obj.owner_id = request.user.pk  # whoever makes a study owns it
        super().save_model(request, obj, form, change)
        audit.record(request, obj, "form saved", ", ".join(form.changed_data))

    @display(
        description=_("State"), label={"draft": "info", "pilot": "warning", "live": "success", "closed": ""}
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
        made: SafeString = study.__dict__.get("_steps") or desk.steps_html(study)
        study.__dict__["_steps"] = made  # the template asks five times
        return made

    def get_urls(self) -> list[URLPattern]:
        views = (
            ("images", desk.images),
            ("precompute", precompute_page.precompute),
            ("precompute-status", precompute_page.precompute_status),
            ("conditions", conditions_page.conditions),
            ("check", desk.check),
            ("live", desk.live),
            ("monitor", monitor_page.monitor),
            ("monitor-live", monitor_page.monitor_live),
            ("upload-maps", upload_page.upload_maps),
            ("power", power_page.power),
            ("notifications", notifications_page.notifications),
            ("recruitment", recruitment_page.settings),
            ("preview", preview_page.choose),
            ("rehearsal", rehearsal_page.rehearse),
        )
        own = [
            path(f"<int:pk>/{name}/", self.admin_site.admin_view(view), name=f"study_{name}")
            for name, view in views
        ]
        return [*own, *self._preview_urls(), *super().get_urls()]

    def _preview_urls(self) -> list[URLPattern]:
        below = "<int:pk>/preview"
        return [
            path(f"{below}/{rest}", self.admin_site.admin_view(view), name=f"study_preview-{name}")
            for name, rest, view in (
                ("upcoming", "upcoming/", preview_page.upcoming),
                ("picture", "picture/<str:token>", preview_page.picture),
                ("page", "<slug:language>/<int:condition>/<int:place>/", preview_page.page),
            )
        ]

    @action(description=_("Images"), url_path="go-images", icon="image")
    def images_page(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return redirect("admin:study_images", object_id)

    @action(description=_("Conditions"), url_path="go-conditions", icon="grid_on")
    def conditions_page(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return redirect("admin:study_conditions", object_id)

    @action(description=_("Check"), url_path="go-check", icon="fact_check")
    def check_page(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return redirect("admin:study_check", object_id)

    @action(description=_("Preview"), url_path="go-preview", icon="visibility")
    def preview_page(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return redirect("admin:study_preview", object_id)

    @action(description=_("Maps"), url_path="go-precompute", icon="blur_on")
    def precompute_page(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return redirect("admin:study_precompute", object_id)

    @action(description=_("Go live"), url_path="go-live", icon="rocket_launch")
    def live_page(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return redirect("admin:study_live", object_id)

    @action(description=_("Monitor"), url_path="go-monitor", icon="monitoring")
    def monitor_page(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return redirect("admin:study_monitor", object_id)

    @action(description=_("Recruitment"), url_path="go-recruitment", icon="group_add")
    def recruitment_page(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return redirect("admin:study_recruitment", object_id)

    @action(description=_("Notifications"), url_path="go-notifications", icon="notifications")
    def notifications_page(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return redirect("admin:study_notifications", object_id)

    @action(description=_("Report"), url_path="go-report", icon="table_chart")
    def report_page(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return redirect(reverse("report", args=[desk.study_for(request, object_id, "results").slug]))


@admin.register(Protocol)
class ProtocolAdmin(ReadOnlyScopedAdmin):
    """Sealed protocols, to read."""

    when_empty = _("A protocol is sealed when a study starts its pilot or goes live.")

    list_display = ("study", "version", "pilot", "hash", "sealed_at", "sealed_by")
    list_filter = (("study", OwnStudies), "pilot")
    list_select_related = ("study", "sealed_by")
    fields = ("study", "version", "pilot", "hash", "sealed_at", "sealed_by", "shown_document")
    readonly_fields = ("shown_document",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Protocol]:
        return (
            super().get_queryset(request).defer("document")
        )  # of megabytes, for a list that shows none of it

    @display(description=_("Document"))
    def shown_document(self, protocol: Protocol) -> SafeString:
        return shown_json(protocol.document)


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyScopedAdmin):
    """Who did what, newest first."""

    when_empty = _("Whatever somebody changes, exports or unmasks in a study is noted here by itself.")

    list_display = ("at", "study", "user", "verb", "detail")
    list_filter = ("verb", ("study", OwnStudies))
    list_select_related = ("study", "user")
    see = "edit"
    search_fields = ("verb", "detail", "user__username")
