"""A participant's own page: shows the current step (GET) and takes answers (POST)."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from survey_site.recruitment.completion import Outcome, way_out
from survey_site.recruitment.models import Recruitment
from survey_site.studies import demographics
from survey_site.trials import answers, attention_rows, presentation
from survey_site.trials.answers import Conflict, Ended
from survey_site.trials.flow import Step
from survey_site.trials.models import ExternalId, Participant, Response
from survey_site.trials.scoring import Refused
from survey_site.trials.session import Sitting, find, positions
from survey_site.trials.signed_tokens import BadAddress
from survey_site.trials.views.guards import participants_page, refusal, speaking, wants_json

REFUSALS = (BadAddress, Ended, Conflict, Refused, demographics.Invalid)


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
    with speaking(participant.language):
        return _show(request, Sitting(participant))


@participants_page
@require_safe
def upcoming(request: HttpRequest, token: str) -> HttpResponse:
    """The next trials as HTML, so that their pictures can be fetched while the current one is answered."""
    participant = _participant(token)
    with speaking(participant.language):
        sitting = Sitting(participant)
        try:
            answers.refuse_ended(participant, sitting.sealed.settings, timezone.now())
        except Ended as error:
            return _ended(request, str(error))
        return JsonResponse(_ahead(request, sitting))


def _participant(token: str) -> Participant:
    participant = find(token)
    if participant is None:
        raise Http404
    return participant


def _post(request: HttpRequest, token: str) -> HttpResponse:
    try:
        sitting = answers.take(token, request.POST.dict())
    except REFUSALS as error:
        participant = _participant(token)
        with speaking(participant.language):
            return _explain(request, participant, error)
    if sitting is None:
        raise Http404
    if wants_json(request):
        with speaking(sitting.participant.language):
            return JsonResponse({"ok": True, **_ahead(request, sitting)})
    response = HttpResponseRedirect(reverse("resume", args=[token]))
    response.status_code = 303
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
            return _show(request, Sitting(participant), errors=refused.errors, status=422)
    return _not_an_answer(request, participant, str(refused))


def _ahead(request: HttpRequest, sitting: Sitting) -> dict[str, Any]:
    """`current` is the position to show now, or -1 where a page comes next; `trials` those not yet known."""
    step = sitting.step()
    after = request.GET.get("after", "")
    known = int(after) if after.isdecimal() and len(after) < 6 else -1
    rows = presentation.ahead(sitting, known)
    return {
        "current": step.position,
        "trials": [
            {
                "position": row.position,
                "html": render_to_string("trials/_trial.html", {"trial": presentation.trial(sitting, row)}),
            }
            for row in rows
        ],
    }


def _show(
    request: HttpRequest, sitting: Sitting, *, errors: dict[str, str] | None = None, status: int = 200
) -> HttpResponse:
    participant = sitting.participant
    if participant.state == Participant.State.WITHDRAWN:
        return _ended(request, Participant.State.WITHDRAWN)
    step = sitting.step()
    try:
        answers.refuse_ended(participant, sitting.sealed.settings, timezone.now())
    except Ended as error:
        return _ended(request, str(error))
    context = {
        "study": {"title": sitting.sealed.study_title, "slug": sitting.sealed.study_slug},
        "participant": participant,
        "preview": participant.kind == Participant.Kind.PREVIEW,
        "step": step,
        "errors": errors or {},
        "sent": request.POST.dict(),
    }
    if step.kind == "trial":
        row = sitting.rows[step.position]
        context |= {"trial": presentation.trial(sitting, row), "error": (errors or {}).get("answer", "")}
        return render(request, "trials/trial.html", context, status=status)
    if step.kind == "done":
        return render(request, "trials/done.html", context | _ending(sitting), status=status)
    return render(request, *_page(sitting, step, context), status=status)


def _page(sitting: Sitting, step: Step, context: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    if step.name == "demographics":
        sent, errors = context["sent"], context["errors"]
        asked = [(q, sent.get(f"q_{q.name}", ""), errors.get(q.name, "")) for q in sitting.fields]
        return "trials/demographics.html", context | {"questions": asked}
    if step.name == "feedback":
        return "trials/feedback.html", context | _feedback(sitting, int(step.key.partition("-")[2]))
    counted = {task: len(positions(sitting.rows, task)) for task in ("matching", "rating")}
    return "trials/page.html", context | {"text": sitting.texts[step.name], "counted": counted}


def _feedback(sitting: Sitting, position: int) -> dict[str, Any]:
    """Right or wrong, after a practice trial only: its pictures occur nowhere else."""
    row = sitting.rows[position]
    response = Response.objects.get(trial_id=row.pk)
    shown = presentation.trial(sitting, row)
    for option, stimulus in zip(shown["options"], row.pool, strict=True):
        option["source"] = stimulus == row.stimulus
        option["chosen"] = stimulus == response.choice_id
    return {"trial": shown, "response": response}


def _ending(sitting: Sitting) -> dict[str, Any]:
    """The way out. It is reached only when every trial has its row of Response."""
    participant = sitting.participant
    recruitment = Recruitment.objects.filter(study=participant.study_id).first()
    external = (
        ExternalId.objects.filter(participant=participant).values_list("value", flat=True).first() or ""
    )
    failed = participant.exclusion_reason == attention_rows.REASON
    outcome: Outcome = "failed_attention" if failed and _has_code_for_failure(recruitment) else "completed"
    counted = participant.kind == Participant.Kind.PERSON
    return {
        "text": sitting.texts["done"],
        "exit": way_out(recruitment, outcome, external) if counted else None,
    }


def _has_code_for_failure(recruitment: Recruitment | None) -> bool:
    return bool(recruitment and recruitment.failed_attention_code)


def _not_an_answer(request: HttpRequest, participant: Participant, code: str) -> HttpResponse:
    messages = {
        "choice": _("Please choose one of the photos."),
        "rating": _("Please choose a number from 0 to 6."),
    }
    message = messages.get(code, _("This form is damaged. Reload the page and answer again."))
    if wants_json(request):
        return JsonResponse({"error": code, "message": message}, status=422)
    return _show(request, Sitting(participant), errors={"answer": message}, status=422)


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
