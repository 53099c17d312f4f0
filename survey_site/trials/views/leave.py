"""Leaving the study: withdrawal by receipt, and what is stored about a participant."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from survey_site.studies import texts
from survey_site.studies.access import may
from survey_site.studies.facts import facts_of, listed
from survey_site.studies.models import Study
from survey_site.trials import enrolment
from survey_site.trials.models import Participant
from survey_site.trials.views.guards import participants_page, speaking
from survey_site.trials.views.start import chosen_language, languages
from survey_site.trials.withdrawal import withdraw


@csrf_exempt  # the address is the credential, as for the resume link
@participants_page
@require_http_methods(["GET", "HEAD", "POST"])
def leave(request: HttpRequest, receipt: str) -> HttpResponse:
    """GET asks, POST erases."""
    participant = Participant.objects.select_related("study").filter(receipt=receipt).first()
    if participant is None:
        raise Http404
    with speaking(participant.language):
        if request.method == "POST":
            participant = withdraw(receipt) or participant
        gone = participant.state == Participant.State.WITHDRAWN
        return render(request, "trials/leave.html", {"study": participant.study, "gone": gone})


@participants_page
@require_safe
def privacy(request: HttpRequest, slug: str) -> HttpResponse:
    """What the study stores, in its own words where it has some."""
    study = Study.objects.filter(slug=slug).first()
    if study is None:
        raise Http404
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
