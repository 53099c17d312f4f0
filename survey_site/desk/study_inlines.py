"""Rows below a study's form: its conditions, and with whom it is shared."""

from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.widgets import UnfoldAdminTextInputWidget

from saliency_worker import catalog
from survey_site.desk.seen_values import SeenForm, SeenFormSet
from survey_site.stimuli.import_maps import labels_of
from survey_site.stimuli.own_models import usable
from survey_site.studies.access import is_owner, may_now
from survey_site.studies.models import Condition, Membership, Study

ROLES_TOLD = _(
    "Editor: changes the design, runs the study, sees results, exports. Analyst: sees results, exports. Assistant: "
    "recruitment only, no results. You alone share, hand over and delete the study."
)
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
        if "role" in self.fields:
            self.fields["role"].help_text = ROLES_TOLD
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
