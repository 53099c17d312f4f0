"""A participant's own page: shows the current step (GET) and takes answers (POST)."""

from functools import partial
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from survey_site.studies import demographics
from survey_site.tasks.contract import Answered
from survey_site.trials import answers, haste, ledger, presentation
from survey_site.trials.answers import Conflict, Ended
from survey_site.trials.models import Participant, Response
from survey_site.trials.paid import way_out_of
from survey_site.trials.scoring import AnswerRefused
from survey_site.trials.session import Session, TrialRow, find
from survey_site.trials.signed_tokens import BadAddress
from survey_site.trials.step_content import Posted, refusal_text, step_content
from survey_site.trials.views import receipts
from survey_site.trials.views.guards import allow_frames, participants_page, refusal, speaking, wants_json

REFUSALS = (BadAddress, Ended, Conflict, AnswerRefused, demographics.Invalid)


# The address itself is the credential, 256 random bits that no other site can know: a cookie would only
# lock out those who lost theirs.
@csrf_exempt
@participants_page
@require_http_methods(["GET", "HEAD", "POST"])
def resume(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows the current step and changes nothing; POST takes an answer or continues past a page."""
    if request.method == "POST":
        return _post(request, token)
    participant = _participant(token)
    allow_frames(request, participant.frame_origins)
    with speaking(participant.language):
        return _show(request, Session(participant))


@participants_page
@require_safe
def upcoming(request: HttpRequest, token: str) -> HttpResponse:
    """The next trials as HTML, so that their pictures can be fetched while the current one is answered."""
    participant = _participant(token)
    with speaking(participant.language):
        session = Session(participant)
        try:
            answers.refuse_ended(participant, session.frozen.settings, timezone.now())
        except Ended as error:
            return _ended(request, str(error))
        return JsonResponse(_ahead(request, session))


def _participant(token: str) -> Any:
    participant = find(token)
    if participant is None:
        raise Http404
    return participant


def _post(request: HttpRequest, token: str) -> HttpResponse:
    try:
        session = answers.take(token, request.POST.dict())
    except REFUSALS as error:
        participant = _participant(token)
        allow_frames(request, participant.frame_origins)
        with speaking(participant.language):
            return _explain(request, participant, error)
    if session is None:
        raise Http404
    if wants_json(request):
        with speaking(session.participant.language):
            return JsonResponse({"ok": True, **_ahead(request, session)})
    response = HttpResponseRedirect(reverse("resume", args=[token]))
    response.status_code = 303
    if session.passed and session.step().kind == "done":
        if receipts.in_frame(request):
            allow_frames(request, _participant(token).frame_origins)
            with speaking(session.participant.language):
                return _show(request, session, receipt=True)
        receipts.promise(response, token)
    return response


def _explain(request: HttpRequest, participant: Participant, refused: Exception) -> HttpResponse:
    """Page or JSON for a post that wrote nothing."""
    token = participant.token
    match refused:
        case BadAddress():
            text = _("This form does not belong to a trial of yours.")
            return refusal(request, 404, "foreign_trial", text, token=token)
        case Ended():
            return _ended(request, str(refused))
        case Conflict():
            return refusal(request, 409, str(refused), _conflict(str(refused)), token=token)
        case demographics.Invalid():
            return _show(request, Session(participant), errors=refused.errors, status=422)
    return _not_an_answer(request, participant, str(refused))


def _ahead(request: HttpRequest, session: Session) -> dict[str, Any]:
    """`current` is the position to show now, or -1 where a page comes next; `trials` those not yet known."""
    step = session.step()
    after = request.GET.get("after", "")
    known = int(after) if after.isdecimal() and len(after) < 6 else -1
    rows = presentation.ahead(session, known)
    return {
        "current": step.position,
        "trials": [
            {
                "position": row.position,
                "html": render_to_string("trials/_trial.html", {"trial": presentation.trial(session, row)}),
            }
            for row in rows
        ],
    }


def _show(
    request: HttpRequest,
    session: Session,
    *,
    errors: dict[str, str] | None = None,
    status: int = 200,
    receipt: bool = False,
) -> HttpResponse:
    participant = session.participant
    if participant.state == Participant.State.WITHDRAWN:
        return _ended(request, Participant.State.WITHDRAWN)
    step = session.step()
    try:
        answers.refuse_ended(participant, session.frozen.settings, timezone.now())
    except Ended as error:
        return _ended(request, str(error))
    posted = Posted(request.POST.dict(), errors or {})
    context = {
        "study": {"title": session.frozen.study_title, "slug": session.frozen.study_slug},
        "participant": participant,
        "preview": participant.kind == Participant.Kind.PREVIEW,
        "step": step,
        "stop": presentation.stop_address(participant),
    }
    template, content = step_content(session, step, posted, partial(_answered, session))
    if not step.is_end:
        return render(request, template, context | content, status=status)
    due = step.kind == "done" and (receipt or receipts.is_due(request, participant.token))
    ending = {
        "exit": way_out_of(participant),
        "too_fast": participant.exclusion_reason == haste.REASON,
        "receipt": participant.receipt if due else "",
        "check_code": ledger.check_code(participant) if due else "",
    }
    response = render(request, template, context | content | ending, status=status)
    if due and request.method == "GET":
        receipts.shown(response, participant.token)
    return response


def _answered(session: Session, row: TrialRow) -> Answered:
    response = Response.objects.get(trial_id=row.pk)
    return Answered(session.truth(row), response.answer, response.declined, response.score)


def _not_an_answer(request: HttpRequest, participant: Participant, code: str) -> HttpResponse:
    message = refusal_text(code)
    if wants_json(request):
        return JsonResponse({"error": code, "message": message}, status=422)
    return _show(request, Session(participant), errors={"answer": message}, status=422)


def _conflict(code: str) -> str:
    if code == "answered":
        return _("You have answered this trial already; the first answer counts.")
    return _("This trial is not the current one.")


def _ended(request: HttpRequest, why: str) -> HttpResponse:
    if why == Participant.State.WITHDRAWN:
        return refusal(
            request, 410, why, _("You have withdrawn from this study. Your answers have been erased.")
        )
    if why == "expired":
        return refusal(request, 410, why, _("This link has expired. The answers you gave are safe."))
    return refusal(request, 410, why, _("The study has ended for you; no more answers are taken."))
