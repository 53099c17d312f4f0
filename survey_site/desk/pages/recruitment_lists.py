"""Lists of people that a recruiter pastes: whom to give a link each, and who may not take part. Neither list is stored."""

import csv
import io

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from survey_site.recruitment import personal_links
from survey_site.recruitment.marks import mark_of
from survey_site.recruitment.models import ExcludedId, Recruitment
from survey_site.studies import audit
from survey_site.studies.models import Study


@require_POST
def links(request: HttpRequest, study: Study) -> HttpResponse:
    """The list as CSV, each identifier with its signed link."""
    try:
        people = personal_links.read_list(request.POST.get("people", ""))
    except personal_links.BadList as error:
        messages.error(request, str(error))
        return redirect("admin:study_recruitment", study.pk)
    start = f"{request.scheme}://{request.get_host()}{reverse('study_start', args=[study.slug])}"
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["identifier", "link"])
    writer.writerows(personal_links.links(study.pk, start, people))
    audit.record(request, study, "personal links made", str(len(people)))
    response = HttpResponse(out.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{study.slug}-links.csv"'
    return response


@require_POST
def excluded(request: HttpRequest, study: Study) -> HttpResponse:
    """Adds identifiers to those that may not take part, as keyed hashes; or forgets all of them."""
    if request.POST.get("forget"):
        if request.POST.get("seen") not in (None, str(study.excluded_ids.count())):
            text = _(
                "Nothing was forgotten: the list was changed meanwhile. It held %(mine)s and holds %(theirs)s now."
            )
            told = {"mine": request.POST["seen"], "theirs": study.excluded_ids.count()}
            messages.error(request, text % told)
            return redirect("admin:study_recruitment", study.pk)
        gone, _by_model = ExcludedId.objects.filter(study=study).delete()
        audit.record(request, study, "excluded ids forgotten", str(gone))
        messages.success(request, _("Forgotten: %(n)s identifiers.") % {"n": gone})
        return redirect("admin:study_recruitment", study.pk)
    try:
        people = personal_links.read_list(request.POST.get("people", ""))
    except personal_links.BadList as error:
        messages.error(request, str(error))
        return redirect("admin:study_recruitment", study.pk)
    recruitment: Recruitment | None = getattr(study, "recruitment", None)
    provider = recruitment.provider if recruitment else Recruitment.Provider.LINK
    before = study.excluded_ids.count()
    marks = [ExcludedId(study=study, mark=mark_of(provider, person)) for person in people]
    ExcludedId.objects.bulk_create(marks, ignore_conflicts=True, batch_size=500)
    added = study.excluded_ids.count() - before
    audit.record(request, study, "excluded ids added", str(added))
    messages.success(request, _("Added: %(n)s identifiers, kept as keyed hashes.") % {"n": added})
    return redirect("admin:study_recruitment", study.pk)
