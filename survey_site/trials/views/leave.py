"""Leaving the study: withdrawal by receipt or from the participant's own page, and what is stored about a participant."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from survey_site.recruitment.completion import NAMED
from survey_site.studies import texts
from survey_site.studies.access import may
from survey_site.studies.facts import facts_of, listed
from survey_site.studies.models import Study
from survey_site.trials import enrolment, ledger, proof
from survey_site.trials.models import Participant
from survey_site.trials.paid import way_out_of
from survey_site.trials.views.guards import allow_frames, participants_page, speaking
from survey_site.trials.views.start import chosen_language, languages
from survey_site.trials.withdrawal import withdraw


@csrf_exempt  # the address is the credential, as for the resume link
@participants_page
@require_http_methods(["GET", "HEAD", "POST"])
def leave(request: HttpRequest, receipt: str) -> HttpResponse:
    """By the receipt. GET asks, POST erases."""
    return _leave(request, Participant.objects.filter(receipt=receipt))


@csrf_exempt
@participants_page
@require_http_methods(["GET", "HEAD", "POST"])
def stop(request: HttpRequest, token: str) -> HttpResponse:
    """From any page before the last answer. GET asks, POST erases; then comes the debrief, as for who stays to the end."""
    return _leave(request, Participant.objects.filter(token=token), own=reverse("resume", args=[token]))


def _leave(request: HttpRequest, found: QuerySet[Participant], own: str = "") -> HttpResponse:
    """own: the participant's page, where they come from there."""
    participant = found.select_related("study", "study__recruitment", "protocol").first()
    if participant is None:
        raise Http404
    _frames(request, participant.study)
    with speaking(participant.language):
        language = translation.get_language()
        way_out = way_out_of(participant)
        # The personal link is known to whoever finds it: once all is given, it takes the receipt to erase it.
        may_erase = not own or participant.state != Participant.State.FINISHED
        if request.method == "POST" and may_erase:
            participant = withdraw(participant.receipt) or participant
        status = 403 if request.method == "POST" and not may_erase else 200
        context: dict[str, Any] = {
            "study": participant.study,
            "gone": participant.state == Participant.State.WITHDRAWN,
            "finished": participant.finished_at is not None,
            "own": own or reverse("resume", args=[participant.token]),
            "by_receipt": not own,
            "answers": participant.chain_length,
            "check_code": "" if own else ledger.check_code(participant),
            "changed": not own and proof.answers_changed(participant),
        }
        if context["gone"]:
            # Not by the frozen protocol: who leaves is told why they were asked, whatever tasks are installed.
            words = texts.merged(participant.protocol.content["texts"], language)
            context |= {"exit": way_out, "debrief": words["debrief"], "sender": _sender(participant)}
        return render(request, "trials/leave.html", context, status=status)


def _frames(request: HttpRequest, study: Study) -> None:
    recruitment = getattr(study, "recruitment", None)
    allow_frames(request, recruitment.frame_origins if recruitment else "")


def _sender(participant: Participant) -> str:
    """The service that waits for a submission of who has not finished; empty where there is none."""
    recruitment = getattr(participant.study, "recruitment", None)
    return NAMED.get(recruitment.provider, "") if recruitment and participant.finished_at is None else ""


@participants_page
@require_safe
def privacy(request: HttpRequest, slug: str) -> HttpResponse:
    """What the study stores, in its own words where it has some."""
    study = Study.objects.select_related("recruitment").filter(slug=slug).first()
    if study is None:
        raise Http404
    _frames(request, study)
    protocol = enrolment.current_protocol(study)
    if protocol is None and not may(request.user, "view", study.pk):  # a draft is its researchers' own
        raise Http404
    language = chosen_language(request, languages(study, protocol))
    # Not by the frozen protocol: what is stored about people can be read whatever tasks are installed.
    sealed: dict[str, Any] = (
        protocol.content if protocol else {"texts": texts.texts_of(study), "facts": facts_of(study)}
    )
    context = {
        "study": study,
        "text": texts.merged(sealed["texts"], language)["privacy"],
        "privacy": True,
        "facts": listed(sealed.get("facts", {}), language),
    }
    with translation.override(language):
        return render(request, "trials/notice.html", context)
