"""The page of a study's life: going live, pausing, closing, reopening, becoming a draft again."""

from typing import Any

from django.contrib import messages
from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from survey_site.desk import invitation, seal_summary
from survey_site.desk.pages import rehearsal
from survey_site.desk.shell import page
from survey_site.protocols import freeze, life, versions
from survey_site.reports import sealing
from survey_site.reports.cached_task import forget_progress
from survey_site.stimuli import missing_maps
from survey_site.studies import states
from survey_site.studies.errors import SeveralProblems
from survey_site.studies.models import Study


@require_http_methods(["GET", "POST"])
def go_live(request: HttpRequest, study: Study) -> HttpResponse:
    """What keeps the study from going live, and every step that its state allows."""
    if request.method == "POST":
        return _step(request, study)
    prefetch_related_objects([study], "conditions", "texts")  # which many rules look at
    draft = rehearsal.draft_shown(study)
    problems = freeze.problems(study, draft) if draft else []
    ready = study.state == Study.State.DRAFT and draft is not None and not problems
    newest = study.protocols.filter(pilot=False).first()
    plan = None
    if ready and newest and draft and draft.document:
        document = versions.as_it_would_be(study, draft.document, newest)
        plan = freeze.seal_of(study, document, pilot=False)
    seals = draft is not None and draft.document is not None and not problems
    return page(
        request,
        "desk/go_live.html",
        study,
        _("Go live"),
        problems=problems,
        maps_missing=any("no map of" in problem for problem in problems),
        steps=list(states.possible(study.state)),
        notices=freeze.notices(study, draft.maps) if draft else [],
        plan=plan,
        seen=draft.hash if draft else "",
        sealed_things=seal_summary.lines(draft.document) if seals and draft and draft.document else [],
        protocols=versions.listed(study, draft.document if draft and ready else None),
        invitation=invitation.of(request, study) if study.is_open else None,
        **_sealing(study),
        **rehearsal.told(study, draft),
    )


@require_GET
def sealing_status(request: HttpRequest, study: Study) -> HttpResponse:
    """The fragment that is fetched while a study is sealed; once that has ended the page is loaded anew."""
    context = _sealing(study)
    response = render(request, "desk/sealing.html", {"study": study, **context})
    if not context["sealing"].running:
        response["HX-Refresh"] = "true"
    return response


def _sealing(study: Study) -> dict[str, Any]:
    state = sealing.SEALING.state(sealing.key_of(study))
    failed = state.progress["failed"].splitlines() if state.progress else []
    return {"sealing": state, "sealing_failed": failed}


def _step(request: HttpRequest, study: Study) -> HttpResponse:
    verb, reason, seen = (request.POST.get(name, "") for name in ("verb", "reason", "seen"))
    here = redirect("admin:study_live", study.pk)
    forget = not sealing.SEALING.state(sealing.key_of(study)).running
    try:
        if states.transition(verb, study.state).seals and _takes_long(study) and "here" not in request.POST:
            _ask(request, study, verb, reason, seen)
            return here
        protocol = life.step(study, verb, request.user, reason, seen)  # type: ignore[arg-type]
    except SeveralProblems as error:
        for problem in error.problems[:10]:
            messages.error(request, problem)
        return here
    if forget or "here" in request.POST:
        forget_progress(sealing.key_of(study))
    if protocol:
        messages.success(request, _("Open under the seal of version %(v)d.") % {"v": protocol.version})
    return here


def _takes_long(study: Study) -> bool:
    """Whether more pictures are to be written than somebody waits for."""
    return missing_maps.count(study, study.stimuli.count()).wanted > sealing.AT_ONCE


def _ask(request: HttpRequest, study: Study, verb: str, reason: str, seen: str) -> None:
    """Looks for what would keep the study from going live first, so that this is said at once."""
    draft = freeze.draft_of(study)
    if seen not in ("", draft.hash):
        raise freeze.NotReady([freeze.CHANGED_MEANWHILE])
    if found := freeze.problems(study, draft):
        raise freeze.NotReady(found)
    if not sealing.SEALING.state(sealing.key_of(study)).running:
        forget_progress(sealing.key_of(study))
    user_id = request.user.pk or 0
    if why := sealing.ask(study, verb, user_id, reason, seen or draft.hash):
        messages.error(request, _("Nobody could be asked to seal it: %s") % why)
