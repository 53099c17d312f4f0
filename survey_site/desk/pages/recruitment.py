"""The page of a study's recruitment: for whom the study itself is closed too, since they only recruit."""

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from survey_site.desk.seen_values import SeenForm
from survey_site.desk.shell import page
from survey_site.recruitment.arrivals import start_link
from survey_site.recruitment.models import Recruitment
from survey_site.studies import audit, changes
from survey_site.studies.access import visible_studies
from survey_site.studies.editing import editing
from survey_site.studies.models import Study
from survey_site.trials import retention
from survey_site.trials.places import places_of

CODES = ("completed_code", "screened_out_code", "over_quota_code", "failed_attention_code", "too_fast_code")
TEXTS = (*CODES, "return_url", "frame_origins", "sona_host", "sona_experiment_id", "sona_credit_token")
SECRETS = {*CODES, "sona_credit_token"}


class RecruitmentForm(SeenForm):
    """Provider, quota and codes: they pay participants and change while the study runs."""

    class Meta:
        model = Recruitment
        fields = ("provider", "quota", "allow_phones", "retakes", *TEXTS, "earlier_studies")
        labels = {
            "quota": _("Places"),
            "allow_phones": _("Phones may take part"),
            "retakes": _("Taking part again"),
            "earlier_studies": _("Without people of these studies"),
            "completed_code": _("Code for who completed"),
            "screened_out_code": _("Code for who was screened out"),
            "over_quota_code": _("Code for who came when all places were taken"),
            "failed_attention_code": _("Code for who failed the attention checks"),
            "too_fast_code": _("Code for who finished too fast"),
            "return_url": _("Return address"),
            "frame_origins": _("Sites that may show the study in their pages"),
            "sona_host": _("Host of SONA"),
            "sona_experiment_id": _("Number of the experiment in SONA"),
            "sona_credit_token": _("Credit token of SONA"),
        }
        widgets = {
            "provider": UnfoldAdminSelectWidget,
            "quota": UnfoldAdminIntegerFieldWidget,
            "allow_phones": UnfoldBooleanWidget,
            "retakes": UnfoldAdminSelectWidget,
            "earlier_studies": UnfoldAdminCheckboxSelectMultipleWidget,
            **{name: UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}) for name in TEXTS},
        }

    def __init__(self, *args: Any, others: QuerySet[Study], **kwargs: Any) -> None:
        """others: the studies whose people this researcher may exclude."""
        super().__init__(*args, **kwargs)
        self.fields["retakes"].required = False
        earlier = self.fields["earlier_studies"]
        assert isinstance(earlier, forms.ModelMultipleChoiceField)
        earlier.queryset = others
        earlier.label_from_instance = lambda study: f"{study.title} ({study.slug})"  # type: ignore[assignment, method-assign]
        if not others.exists():
            del self.fields["earlier_studies"]

    def clean_retakes(self) -> str:
        return self.cleaned_data["retakes"] or self.instance.retakes

    def save_with_others(self) -> Recruitment:
        """Saves; studies that were chosen by who sees more than this researcher stay chosen."""
        chosen = set(self.cleaned_data.get("earlier_studies", ()))
        before = set(self.instance.earlier_studies.all()) if self.instance.pk else set()
        seen = set(self.fields["earlier_studies"].queryset) if "earlier_studies" in self.fields else set()  # type: ignore[attr-defined]
        saved: Recruitment = super().save()
        saved.earlier_studies.set(chosen | (before - seen))
        return saved


@require_http_methods(["GET", "POST"])
def recruitment(request: HttpRequest, study: Study) -> HttpResponse:
    """Owners, editors and assistants read and change it; nobody else sees a code."""
    others = visible_studies(request.user, "recruit").exclude(pk=study.pk).order_by("title")
    form = RecruitmentForm(instance=_stored(study), others=others)
    stored = form.instance.provider
    if request.method == "POST":
        with editing(study):
            form = RecruitmentForm(request.POST, instance=_stored(study), others=others)
            stored = form.instance.provider
            if form.is_valid():
                before = _told(_stored(study))
                saved = form.save_with_others()
                phrases = changes.told(before, _told(saved), hidden=SECRETS)
                audit.record_changes(request, study, "recruitment saved", phrases)
                messages.success(request, _("Saved. It holds for whoever arrives from now on."))
                return redirect("admin:study_recruitment", study.pk)
    path = start_link(stored, reverse("study_start", args=[study.slug]))
    response = page(
        request,
        "desk/recruitment.html",
        study,
        _("Recruitment"),
        form=form,
        link=f"{request.scheme}://{request.get_host()}{path}",
        places=places_of(study),
        excluded=study.excluded_ids.count(),
        retention=retention.of_study(study),
    )
    response.status_code = 422 if form.errors else 200
    return response


def _told(row: Recruitment) -> dict[str, Any]:
    """What the audit log compares."""
    earlier = sorted(study.slug for study in row.earlier_studies.all()) if row.pk else []
    return changes.of_row(row) | {"earlier_studies": earlier}


def _stored(study: Study) -> Recruitment:
    return Recruitment.objects.filter(study=study).first() or Recruitment(study=study)
