"""The page that checks a design before it is sealed, with the power of its comparisons."""

from django.contrib import messages
from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from survey_site.desk import plan_fields
from survey_site.desk.pages import observers, power
from survey_site.desk.shell import page
from survey_site.protocols.document import assessment_of, tasks_of
from survey_site.studies import consent
from survey_site.studies.models import Study


@require_GET
def check(request: HttpRequest, study: Study) -> HttpResponse:
    """What the design needs and what it cannot do, in numbers and words."""
    if not study.conditions.exists():
        messages.info(request, _("Choose conditions first; the numbers follow from them."))
        return redirect("admin:study_conditions", study.pk)
    prefetch_related_objects([study], "conditions", "texts")  # which many rules look at
    verdict = assessment_of(study)
    return page(
        request,
        "desk/check.html",
        study,
        _("Check the design"),
        verdict=verdict,
        declared=plan_fields.sentences(study.exclusion_rules, study.analysis_plan),
        consent_problems=consent.problems(study),
        consent_notices=consent.notices(study),
        needs=[(task.title, task.outcome.title, verdict.task(task.name)) for task in tasks_of(study)],
        **observers.told(study),
        **power.told(study, verdict),
    )
