"""Who completed, who did not, what is missing: the study's rows beside the provider's file."""

from django.contrib import admin, messages
from django.contrib.admin.views.decorators import staff_member_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from survey_site.accounts.confirmation import confirmed
from survey_site.desk.paging import leaves
from survey_site.recruitment.completion import codes_of
from survey_site.recruitment.models import Recruitment
from survey_site.recruitment.reconcile import Known, reconcile
from survey_site.recruitment.submissions import BadFile, Submission, read_submissions
from survey_site.studies import audit
from survey_site.studies.access import study_or_404
from survey_site.studies.models import Study
from survey_site.trials import retention
from survey_site.trials.outcomes import ended, outcomes, recruited
from survey_site.trials.withdrawal import erase_person

MOST_BYTES = 20 * 1024 * 1024
PER_PAGE = 200
MOST_LISTED = 500  # people of one advice whose rows are shown; their ids stand there all


@staff_member_required
@require_http_methods(["GET", "POST"])
@confirmed
def reconciliation(request: HttpRequest, slug: str) -> HttpResponse:
    """GET shows how everybody ended; POST compares with an uploaded file, of which nothing is kept."""
    study = study_or_404(request, slug, "recruit")
    audit.record_look(request, study, "external ids read")
    context: dict[str, object] = {
        **admin.site.each_context(request),
        "study": study,
        "object": study,
        "title": _("Recruitment"),
    }
    recruitment: Recruitment | None = getattr(study, "recruitment", None)
    if "erase" in request.POST:
        return _erase(request, study)
    if request.method == "POST":
        try:
            context["groups"] = reconcile(*_both(request, study), codes_of(recruitment))
            context |= {"most": MOST_LISTED, "first": f":{MOST_LISTED}"}
        except BadFile as error:
            context["error"] = str(error)
    context["erased_on"] = retention.erased_on(study)
    provider = recruitment.provider if recruitment else Recruitment.Provider.LINK
    if "groups" not in context:
        context["shown"] = shown = leaves(request, recruited(study, provider), PER_PAGE)
        context["known"] = ended(shown.rows)
    status = 422 if "error" in context else 200
    return render(request, "desk/reconciliation.html", context, status=status)


def _erase(request: HttpRequest, study: Study) -> HttpResponse:
    """The answers of a person who asked for it, by the identifier that names them; the log names them by their code."""
    external_id = request.POST["erase"].strip()
    if request.POST.get("sure") != "yes":
        messages.error(request, _("Tick the box: what is erased does not come back."))
    elif codes := erase_person(study, external_id) if external_id else []:
        audit.record(request, study, "person erased", ", ".join(codes))
        messages.success(request, _("Erased: %(codes)s.") % {"codes": ", ".join(codes)})
    else:
        messages.error(request, _("Nobody in this study has this identifier."))
    return redirect("reconciliation", study.slug)


def _both(request: HttpRequest, study: Study) -> tuple[list[Submission], list[Known]]:
    file = request.FILES.get("submissions")
    if file is None or not file.size or file.size > MOST_BYTES:
        raise BadFile(_("Choose the CSV file of submissions that Prolific exports (at most 20 MB)."))
    submissions = read_submissions(file.read())
    claimed = [one.external_id for one in submissions]
    return submissions, outcomes(study, Recruitment.Provider.PROLIFIC, claimed)
