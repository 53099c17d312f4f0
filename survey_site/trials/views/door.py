"""Who is not let in, and what they are told: before any consent, and with what their recruitment service needs to know."""

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

from survey_site.protocols.models import Protocol
from survey_site.recruitment import embedding
from survey_site.recruitment.arrivals import Sender, is_named, kept
from survey_site.recruitment.completion import Exit, Outcome, codes_of, way_out
from survey_site.recruitment.marks import mark_of
from survey_site.recruitment.models import Recruitment
from survey_site.studies import states, texts
from survey_site.studies.models import Study
from survey_site.trials import devices, enrolment, leases, turned_away
from survey_site.trials.frozen_protocol import frozen_protocol
from survey_site.trials.models import Participant
from survey_site.trials.signed_tokens import token_of_start
from survey_site.trials.views.guards import refusal

REMEMBERED_S = 365 * 24 * 3600
Retakes = Recruitment.Retakes


@dataclass(frozen=True, slots=True)
class Visit:
    """A person at the door. fields: of the form, or of the link."""

    request: HttpRequest
    study: Study
    recruitment: Recruitment | None
    who: Sender
    fields: dict[str, str]
    language: str

    @property
    def tokens(self) -> list[str]:
        """Participants' tokens that this browser shows: of an earlier start, and of the very form that is sent."""
        form = self.request.POST.get("nonce", "")
        sent = [token_of_start(form, self.study.slug)] if form else []
        return [*sent, self.request.COOKIES.get(cookie(self.study), "")]

    @property
    def carried(self) -> dict[str, str]:
        """What the link brought for the way back."""
        return embedding.carried(self.recruitment.return_url if self.recruitment else "", self.fields)


def cookie(study: Study) -> str:
    """Name of the cookie that holds the token of the participant who began in this browser."""
    return f"begun-{study.slug}"


def remember(response: HttpResponse, study: Study, participant: Participant) -> None:
    """Lets this browser come back by the link of the service that sent it, and know later that somebody began here."""
    _set_cookie(response, cookie(study), participant.token, study)


def not_let_in(visit: Visit, protocol: Protocol) -> HttpResponse | None:
    """The page of a person who may not begin; None for who may, and for who takes part already and shows it."""
    known = enrolment.known_sender(visit.study, visit.who.provider, visit.who.external_id)
    if known is not None:
        return None if enrolment.shown(known, visit.tokens, visit.who.session) else begun_already(visit)
    words = frozen_protocol(protocol.pk).texts_in(visit.language)
    recruitment = visit.recruitment
    agent = visit.request.headers.get("User-Agent", "")
    if recruitment and not recruitment.allow_phones and devices.is_phone(agent):
        return way_out_page(visit, "screened_out", words["screened_out"])
    if turned_away.took_part_earlier(recruitment, visit.who):
        return way_out_page(visit, "screened_out", _earlier())
    if not visit.who.external_id and (begun := _begun_here(visit)):
        return begun
    if recruitment and recruitment.quota is not None and not _is_sent_twice(visit):
        frozen = frozen_protocol(protocol.pk)
        target = frozen.settings["target_participants"]
        offered = leases.offered(frozen.measurement_id, timezone.now(), target=target)
        if offered.ticket is None or offered.ticket >= recruitment.quota:
            return full(visit, words["full"])
    return None


def _back(visit: Visit, outcome: Outcome) -> Exit:
    """Without a code: the address that a plain link leads back to, where there is one."""
    found = way_out(visit.recruitment, outcome, "", carried=visit.carried, coded=False)
    return found if found.url else Exit()


def full(visit: Visit, text: str) -> HttpResponse:
    """All places are taken."""
    return way_out_page(visit, "over_quota", text)


def way_out_page(visit: Visit, outcome: Outcome, text: str) -> HttpResponse:
    """The page of who was turned away, with the outcome's code for who came with an identifier of the study's provider.

    Each identifier is shown one code, and sees it again in the same browser alone.
    """
    study, who = visit.study, visit.who
    code = codes_of(visit.recruitment).get(outcome, "") if is_named(visit.recruitment, who) else ""
    name, seen = f"turned-{study.slug}", mark_of(f"turned away {study.pk}", who.external_id)
    shown = False
    if code and visit.request.method != "HEAD":
        again = constant_time_compare(visit.request.COOKIES.get(name, ""), seen)
        shown = turned_away.note_code(study, who, outcome) or again
    page = {
        "study": study,
        "text": text,
        "exit": way_out(visit.recruitment, outcome, who.external_id) if shown else _back(visit, outcome),
        "advice": _had_it() if code and not shown else advice(visit.recruitment, with_code=shown),
    }
    response = render(visit.request, "trials/notice.html", page, status=403)
    if shown:
        _set_cookie(response, name, seen, study)
    return response


def begun_already(visit: Visit) -> HttpResponse:
    """Somebody takes part by this identifier, and nothing shows that it is who comes now: help, and no secret."""
    text = _(
        "This study was begun with your identifier already. Go on in the browser in which you began, or by your personal "
        "link, which is in that browser's history. Is it neither? Then write to who sent you here."
    )
    return refusal(visit.request, 409, "begun_already", text, contact=visit.study.contact)


def not_open(visit: Visit) -> HttpResponse:
    """A study that takes nobody: not yet, not now, or no more."""
    study, more = visit.study, {"advice": advice(visit.recruitment, with_code=False)}
    if study.state in states.OVER or (study.state in states.OPEN and study.is_over):
        text = texts.texts_of(study)[visit.language]["closed"]
        return render(visit.request, "trials/notice.html", {"study": study, "text": text, **more}, status=410)
    if study.state == Study.State.PAUSED:
        text = _("This study is paused. Please come back later.")
        return refusal(visit.request, 403, "paused", text, **more)
    text = _("This study has not been opened yet. Please come back later.")
    return refusal(visit.request, 403, "not_open", text, **more)


def advice(recruitment: Recruitment | None, *, with_code: bool) -> str:
    """What a person sent by this provider does now, who was turned away."""
    provider = recruitment.provider if recruitment else Recruitment.Provider.LINK
    if provider == Recruitment.Provider.PROLIFIC:
        if with_code:
            return _(
                "Press the button, or enter the code at Prolific: your submission then ends as it should."
            )
        return _(
            "Please return your submission at Prolific (“Stop without completing”): it then does not count against you."
        )
    if provider == Recruitment.Provider.SONA:
        return _("Please cancel your sign-up in SONA, or write to the researchers there.")
    return ""


def _begun_here(visit: Visit) -> HttpResponse | None:
    """A plain link names nobody; the device remembers, and the study says what follows."""
    policy = visit.recruitment.retakes if visit.recruitment else Retakes.ASK
    if policy == Retakes.ALLOW or (policy == Retakes.ASK and visit.fields.get("again")):
        return None
    remembered = visit.request.COOKIES.get(cookie(visit.study), "")
    if not remembered or remembered in visit.tokens[:-1]:  # of the very form that is sent again
        return None
    found = Participant.objects.filter(
        study=visit.study, token=remembered, kind=Participant.Kind.PERSON
    ).first()
    if found is None:
        return None
    over = found.state in (Participant.State.FINISHED, Participant.State.WITHDRAWN)
    page = {
        "study": visit.study,
        "token": "" if over else found.token,
        "may_begin": policy == Retakes.ASK,
        "kept": kept(visit.fields) | visit.carried | {"again": "yes", "lang": visit.language},
    }
    status = 403 if policy == Retakes.NEVER else 409 if visit.request.method == "POST" else 200
    return render(visit.request, "trials/begun_here.html", page, status=status)


def _is_sent_twice(visit: Visit) -> bool:
    """Whether this very form has begun a participant already."""
    sent = visit.tokens[:-1]
    return bool(sent) and Participant.objects.filter(study=visit.study, token__in=sent).exists()


def _earlier() -> str:
    return _(
        "You have taken part in an earlier study on this matter, and this one needs people who have not. Thank you for "
        "your interest."
    )


def _had_it() -> str:
    return _("The code for this was shown already, in the browser in which you opened the study first.")


def _set_cookie(response: HttpResponse, name: str, value: str, study: Study) -> None:
    response.set_cookie(
        name,
        value,
        max_age=REMEMBERED_S,
        path=reverse("study_start", args=[study.slug]),
        secure=settings.BEHIND_HTTPS,
        httponly=True,
        samesite="Lax",
    )
