"""The page of a study's life: going live, pausing, closing, reopening, becoming a draft again."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from survey_site.desk.pages import rehearsal
from survey_site.desk.shell import page
from survey_site.protocols import freeze, life, versions
from survey_site.studies import consent, states
from survey_site.studies.errors import SeveralProblems
from survey_site.studies.models import Study


@require_http_methods(["GET", "POST"])
def go_live(request: HttpRequest, study: Study) -> HttpResponse:
    """What keeps the study from going live, and every step that its state allows."""
    if request.method == "POST":
        verb = request.POST.get("verb", "")
        try:
            reason, seen = request.POST.get("reason", ""), request.POST.get("seen", "")
            protocol = life.step(study, verb, request.user, reason, seen)  # type: ignore[arg-type]
            if protocol:
                messages.success(
                    request, _("Open under the seal of version %(v)d.") % {"v": protocol.version}
                )
        except SeveralProblems as error:
            for problem in error.problems[:10]:
                messages.error(request, problem)
        return redirect("admin:study_live", study.pk)
    draft = rehearsal.draft_shown(study)
    problems = freeze.problems(study, draft) if draft else []
    ready = study.state == Study.State.DRAFT and draft is not None and not problems
    newest = study.protocols.filter(pilot=False).first()
    plan = None
    if ready and newest and draft and draft.document:
        document = versions.as_it_would_be(study, draft.document, newest)
        plan = freeze.seal_of(study, document, pilot=False)
    return page(
        request,
        "desk/go_live.html",
        study,
        _("Go live"),
        problems=problems,
        steps=list(states.possible(study.state)),
        notices=consent.notices(study) if draft else [],
        plan=plan,
        seen=draft.hash if draft else "",
        protocols=versions.listed(study, draft.document if draft and ready else None),
        **rehearsal.told(study, draft),
    )
