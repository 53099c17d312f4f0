"""The researcher's desk for studies: design, images, maps, going live."""

from collections.abc import Iterable, Iterator
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count, IntegerField, Model, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import URLPattern
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from saliency_worker import catalog
from survey_site.accounts import confirmation
from survey_site.desk import page_table
from survey_site.desk.scoped_admin import ScopedAdmin
from survey_site.desk.seen_values import SeenForm, SeenFormSet
from survey_site.desk.steps import path_html
from survey_site.desk.study_form import field_names, study_form
from survey_site.stimuli.import_maps import labels_of
from survey_site.stimuli.models import PrecomputeJob, Stimulus
from survey_site.stimuli.own_models import usable
from survey_site.studies import audit, facts, states
from survey_site.studies.access import is_owner, is_superuser, may_now
from survey_site.studies.models import Condition, Membership, Study, StudyText
from survey_site.tasks import registry
from survey_site.trials import deletion
from survey_site.trials.models import Participant
from survey_site.trials.who_counts import in_newest_measurement, who_counts

admin.site.index_title = _("Overview")
TASKS = "(the tasks' settings)"  # where they stand among the fields
IDENTITY = {"column", "classifier", "base", "method"}


class ConditionForm(SeenForm):
    """A condition whose classifier, base and method are names of the catalogue, or of uploaded maps."""

    class Meta:
        model = Condition
        fields = ("column", "column_order", "classifier", "base", "method", "is_reference")

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        if self.instance.pk and IDENTITY & set(self.changed_data) and self.instance.trial_set.exists():
            raise forms.ValidationError(
                _("Participants were shown this condition; keep it as it is and add another one.")
            )
        key = catalog.join_key(cleaned.get("base", ""), cleaned.get("method", ""))
        study = self.instance.study if self.instance.study_id else None
        if study and (cleaned.get("classifier", ""), key) in labels_of(study):
            return self.cleaned_data  # maps made elsewhere
        try:
            if cleaned.get("classifier") and not (study and cleaned["classifier"] in usable(study)):
                self.cleaned_data["classifier"] = catalog.classifier(cleaned["classifier"]).name
            catalog.split_key(key)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error
        return self.cleaned_data


def _count(rows: Any, study: str) -> Coalesce:
    """How many rows belong to the study, counted by themselves: joins would multiply images by jobs by people."""
    counted = rows.filter(**{study: OuterRef("pk")}).order_by().values(study).annotate(n=Count("pk"))
    return Coalesce(Subquery(counted.values("n"), output_field=IntegerField()), 0)


class StudyInline(TabularInline):
    """Rows of a study: whoever may edit the study may edit them."""

    form = SeenForm
    formset = SeenFormSet

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


class MembershipForm(SeenForm):
    """The other researcher is named, not chosen from a list: who has an account here is nobody's to read."""

    user = forms.ModelChoiceField(
        label=_("User name"),
        queryset=User.objects.filter(is_staff=True, is_active=True),
        to_field_name="username",
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={
            "invalid_choice": _("No researcher has this user name; ask them how theirs is written.")
        },
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["user"] = self.instance.user.username


class MembershipInline(StudyInline):
    """With whom the study is shared: the owner's to say."""

    model = Membership
    form = MembershipForm
    extra = 0
    tab = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        return super().get_queryset(request).select_related("user")

    def has_change_permission(self, request: HttpRequest, obj: Study | None = None) -> bool:
        return obj is None or is_owner(request, obj)


class ConditionInline(DraftInline):
    model = Condition
    form = ConditionForm
    extra = 0
    tab = True


class StudyTextInline(DraftInline):
    model = StudyText
    extra = 0
    tab = True


def _unfolded(fields: Iterable[str], tasks: list[str]) -> Iterator[str]:
    for field in fields:
        yield from tasks if field == TASKS else (field,)


class StateFilter(admin.SimpleListFilter):
    """By state; archived studies are shown to who asks for them."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(Study.State.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Study]) -> QuerySet[Study]:
        if chosen := self.value():
            return queryset.filter(state=chosen)
        return queryset.exclude(state=Study.State.ARCHIVED)

    def choices(self, changelist: Any) -> Any:
        first, *rest = super().choices(changelist)
        yield {**first, "display": _("All but archived ones")}
        yield from rest


@admin.register(Study)
class StudyAdmin(ScopedAdmin):
    study_path = ""
    when_empty = _("Create a study with a title and a short name for its link; its page then leads you on.")
    list_display = ("title", "shown_state", "images", "maps", "finished", "target_participants")
    list_filter = (StateFilter, "origin")
    search_fields = ("title", "slug")
    prepopulated_fields = {"slug": ("title",)}
    readonly_fields = ("steps",)
    inlines = (ConditionInline, StudyTextInline, MembershipInline)
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
                "fields": ("exclusion_rules", "analysis_plan", "require_rehearsal", "replicates_paper"),
            },
        ),
        (_("Consent"), {"classes": ["tab"], "fields": ("languages", *facts.LABELS)}),
    )

    def get_fieldsets(self, request: HttpRequest, obj: Study | None = None) -> Any:
        """The tasks' settings stand among the design's; of a sealed study they are told, not asked."""
        editable = obj is None or obj.is_editable
        tasks = field_names(registry.installed()) if editable else ["shown_tasks"]
        return [
            (title, options | {"fields": tuple(_unfolded(options["fields"], tasks))})
            for title, options in self.fieldsets
        ]

    def get_form(
        self, request: HttpRequest, obj: Study | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        kwargs["form"] = study_form(registry.installed())
        return super().get_form(request, obj, change, **kwargs)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Study]:
        jobs = PrecomputeJob.objects.exclude(state=PrecomputeJob.State.CANCELLED)
        finished = Participant.objects.filter(
            in_newest_measurement(), who_counts(), kind=Participant.Kind.PERSON
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
        if obj is None or obj.is_editable:  # the owner changes on a page of its own
            return self.readonly_fields if obj is None else (*self.readonly_fields, "owner")
        return [f.name for f in Study._meta.fields if f.editable and f.name != "id"] + [
            "steps",
            "shown_tasks",
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
        audit.record(request, obj, "form saved", ", ".join(form.changed_data))

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
        super().save_formset(request, form, formset, change)
        if formset.model is Membership:
            for row in (*formset.new_objects, *(row for row, _ in formset.changed_objects)):
                audit.record(request, form.instance, "shared", f"{row.user} as {row.role}")
            for row in formset.deleted_objects:
                audit.record(request, form.instance, "no longer shared", str(row.user))

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
        told = []
        for name, stored in study.task_settings.items():
            task = registry.named(name)
            values = task.effective(stored) if task else stored
            labels = {setting.name: setting.label for setting in task.settings} if task else {}
            told += [(labels.get(key, key), values[key]) for key in values]
        return format_html_join("", "<div>{}: <b>{}</b></div>", told)

    def get_urls(self) -> list[URLPattern]:
        return [*page_table.urls(self.admin_site.admin_view), *super().get_urls()]

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        if study := context.get("original"):
            context = {**context, "actions_detail": page_table.buttons(request, study)}
        return super().render_change_form(request, context, *args, **kwargs)
