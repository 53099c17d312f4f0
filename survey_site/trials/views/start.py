"""The start page with consent. Looking at it changes nothing; sending its form lets the participant in."""

from collections.abc import Mapping

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from survey_site.protocols.models import Protocol
from survey_site.recruitment.arrivals import BadLink, Sender, kept, refuse_unnamed, sender
from survey_site.recruitment.models import Recruitment
from survey_site.studies import texts
from survey_site.studies.access import may
from survey_site.studies.consent import wished
from survey_site.studies.models import Study
from survey_site.tasks.registry import UnknownTask
from survey_site.trials import devices, enrolment
from survey_site.trials.frozen_protocol import frozen_protocol
from survey_site.trials.leases import NoTicketLeft
from survey_site.trials.models import Participant
from survey_site.trials.scoring import client_at_consent
from survey_site.trials.signed_tokens import is_bot_token, new_start_nonce, token_of_start
from survey_site.trials.step_content import no_consent_text, start_content
from survey_site.trials.throttle import too_many_starts
from survey_site.trials.views import door
from survey_site.trials.views.guards import allow_frames, of_own_page, participants_page, refusal
from survey_site.trials.window import Window

Kind = Participant.Kind


# The form is protected inside `participants_page`, which refuses a body that is too large before it is read.
@csrf_exempt
@participants_page
@of_own_page
@require_http_methods(["GET", "HEAD", "POST"])
def start(request: HttpRequest, slug: str) -> HttpResponse:
    """GET shows welcome and consent, POST enrols and leads to the participant's own page."""
    study = Study.objects.select_related("recruitment").filter(slug=slug).first()
    if study is None:
        raise Http404
    recruitment: Recruitment | None = getattr(study, "recruitment", None)
    allow_frames(request, recruitment.frame_origins if recruitment else "")
    protocol = enrolment.current_protocol(study)
    offered = languages(study, protocol)
    language = chosen_language(request, offered)
    with translation.override(language):
        try:
            return _start(request, study, protocol, language)
        except BadLink:
            return refusal(request, 400, "bad_link", _bad_link())


def chosen_language(request: HttpRequest, offered: list[tuple[str, str]]) -> str:
    """`?lang=` where offered, else the browser's wish, else the first language."""
    codes = [code for code, _name in offered]
    wish = (
        request.POST.get("lang") or request.GET.get("lang") or translation.get_language_from_request(request)
    )
    return wish if wish in codes else codes[0]


def languages(study: Study, protocol: Protocol | None) -> list[tuple[str, str]]:
    """Languages offered, as (code, own name): those that were sealed; before that those that the study wants."""
    codes = wished(study) if protocol is None else _sealed_texts(protocol)
    return [pair for pair in settings.LANGUAGES if pair[0] in codes] or [settings.LANGUAGES[0]]


def _sealed_texts(protocol: Protocol) -> Mapping[str, Mapping[str, str]]:
    """Not by the frozen protocol where a task is not installed: what participants are told then has a language too."""
    try:
        return frozen_protocol(protocol.pk).texts
    except UnknownTask:
        texts_sealed: dict[str, dict[str, str]] = protocol.content["texts"]
        return texts_sealed


def _start(request: HttpRequest, study: Study, protocol: Protocol | None, language: str) -> HttpResponse:
    recruitment: Recruitment | None = getattr(study, "recruitment", None)
    fields = request.POST.dict() if request.method == "POST" else request.GET.dict()
    kind = _kind(request, study, fields)
    if kind is None:
        return refusal(request, 403, "no_bots", _no_bots())
    who = sender(fields, study.pk)
    visit = door.Visit(request, study, recruitment, who, fields, language)
    may_come = study.is_open or kind == Kind.PREVIEW or _is_in(study, who)
    if protocol is None or not may_come:
        return door.not_open(visit)
    if kind == Kind.PERSON:
        refuse_unnamed(recruitment, who)
        if refused := door.not_let_in(visit, protocol):
            return refused
    frozen = frozen_protocol(protocol.pk)
    words = frozen.texts_in(language)
    # Never from the link: whoever wrote it would know the participant's own address.
    nonce = request.POST.get("nonce") or new_start_nonce()
    agreed = bool(fields.get("consent")) and 16 <= len(nonce) <= 64
    client = client_at_consent(fields.get("client", ""))
    window = Window.of(frozen.settings)
    fits = window.holds(client)
    read = texts.version(words["consent"])
    # Who agreed to a text that was amended while it lay before them reads the new one first.
    amended = agreed and fields.get("read", read) != read
    if request.method != "POST" or not agreed or amended or not fits:
        error = "" if request.method != "POST" or agreed else no_consent_text()
        if amended:
            error = _("The text above was changed while you read it. Please read it again.")
        carried_on = kept(fields) | visit.carried
        template, content = start_content(
            words,
            languages(study, protocol),
            language,
            carried_on,
            error or ("" if fits else window.text()),
            window,
        )
        content |= {"study": study, "nonce": nonce, "read": read, "preview": kind == Kind.PREVIEW}
        return render(request, template, content, status=422 if error else 200)
    if too_many_starts(request):
        return refusal(
            request, 429, "too_many", _("Too many people start at once from here. Please try again later.")
        )
    user_agent = request.headers.get("User-Agent", "")
    arrival = enrolment.Arrival(
        token=token_of_start(nonce, study.slug),
        returning=request.COOKIES.get(door.cookie(study), ""),
        kind=kind,
        provider=who.provider,
        external_id=who.external_id,
        session=who.session,
        language=language,
        user_agent_family=devices.browser_family(user_agent),
        device=devices.device(user_agent),
        consent_version=read,
        client=client,
        link_parameters=visit.carried,
        quota=recruitment.quota if recruitment else None,
    )
    return _let_in(visit, arrival, words["full"])


def _let_in(visit: door.Visit, arrival: enrolment.Arrival, full: str) -> HttpResponse:
    try:
        participant = enrolment.enrol(visit.study, arrival)
    except NoTicketLeft:  # somebody was faster
        return door.full(visit, full)
    except enrolment.NotOpen:
        return door.not_open(visit)
    except enrolment.NotYours:
        return door.begun_already(visit)
    response = HttpResponseRedirect(reverse("resume", args=[participant.token]))
    response.status_code = 303
    door.remember(response, visit.study, participant)
    return response


def _bad_link() -> str:
    return _(
        "The identifier in this link is not valid. Please open the study from the service that sent you."
    )


def _kind(request: HttpRequest, study: Study, fields: dict[str, str]) -> str | None:
    """None for who says to be simulated without showing that a researcher sent them."""
    if fields.get("preview") and may(request.user, "view", study.pk):
        return Kind.PREVIEW
    if not (bot := fields.get("bot")):
        return Kind.PERSON
    signed = is_bot_token(study.slug, bot) or may(request.user, "view", study.pk)
    return Kind.BOT if signed else None


def _no_bots() -> str:
    return _(
        "Simulated participants are let in for signed-in researchers and by manage.py simulate only. If you are a person, "
        "open the study by the link that you were given."
    )


def _is_in(study: Study, who: Sender) -> bool:
    """Whether the sender's link belongs to somebody who takes part already: they may finish at any time."""
    return enrolment.known_sender(study, who.provider, who.external_id) is not None
