"""The page of a study's recruitment: for whom the study itself is closed too, since they only recruit."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from survey_site.desk.seen_values import SeenForm
from survey_site.desk.shell import page
from survey_site.recruitment.arrivals import start_link
from survey_site.recruitment.models import Recruitment
from survey_site.studies import audit
from survey_site.studies.editing import editing
from survey_site.studies.models import Study
from survey_site.trials.places import places_of

TEXTS = (
    "completed_code", "screened_out_code", "failed_attention_code", "sona_host", "sona_experiment_id", "sona_credit_token",
)  # fmt: skip
SECRETS = {"completed_code", "screened_out_code", "failed_attention_code", "sona_credit_token"}


class RecruitmentForm(SeenForm):
    """Provider, quota and codes: they pay participants and change while the study runs."""

    class Meta:
        model = Recruitment
        fields = ("provider", "quota", "allow_phones", *TEXTS)
        labels = {
            "quota": _("Places"),
            "allow_phones": _("Phones may take part"),
            "completed_code": _("Code for who completed"),
            "screened_out_code": _("Code for who was screened out"),
            "failed_attention_code": _("Code for who failed the attention checks"),
            "sona_host": _("Host of SONA"),
            "sona_experiment_id": _("Number of the experiment in SONA"),
            "sona_credit_token": _("Credit token of SONA"),
        }
        widgets = {
            "provider": UnfoldAdminSelectWidget,
            "quota": UnfoldAdminIntegerFieldWidget,
            "allow_phones": UnfoldBooleanWidget,
            **{name: UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}) for name in TEXTS},
        }


@require_http_methods(["GET", "POST"])
def recruitment(request: HttpRequest, study: Study) -> HttpResponse:
    """Owners, editors and assistants read and change it; nobody else sees a code."""
    form = RecruitmentForm(instance=_stored(study))
    stored = form.instance.provider
    if request.method == "POST":
        with editing(study):
            form = RecruitmentForm(request.POST, instance=_stored(study))
            stored = form.instance.provider
            if form.is_valid():
                form.save()
                changed = [name for name in form.changed_data if name not in SECRETS]
                changed += [f"{name} (not shown)" for name in form.changed_data if name in SECRETS]
                audit.record(request, study, "recruitment saved", ", ".join(changed))
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
    )
    response.status_code = 422 if form.errors else 200
    return response


def _stored(study: Study) -> Recruitment:
    return Recruitment.objects.filter(study=study).first() or Recruitment(study=study)
