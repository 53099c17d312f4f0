"""Lets a participant in: one short transaction writes the participant, the ticket and all trials, or nothing."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from survey_site.protocols.models import Protocol
from survey_site.studies import chain_heads, states
from survey_site.studies.models import ChainHead, Study
from survey_site.trials import leases, ledger, planned_trials
from survey_site.trials.frozen_protocol import frozen_protocol
from survey_site.trials.models import ExternalId, Participant, Trial
from survey_site.trials.signed_tokens import pseudonym

Kind = Participant.Kind


class NotOpen(Exception):
    """The study takes no participants now."""


class NotYours(Exception):
    """Somebody with this external id takes part already, and nothing shows that it is who arrives now."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """Who knocks. `token` comes from the start form, so that sending it twice starts one participant.

    returning: the token that this browser was given at an earlier start, or empty.
    """

    token: str
    returning: str = ""
    kind: str = Kind.PERSON
    provider: str = ""
    external_id: str = ""
    session: str = ""
    language: str = ""
    user_agent_family: str = ""
    device: str = ""
    consent_version: str = ""
    quota: int | None = None
    client: Mapping[str, Any] = field(default_factory=dict)
    link_parameters: Mapping[str, str] = field(default_factory=dict)


def enrol(study: Study, arrival: Arrival) -> Participant:
    """The participant of this arrival, new or known. Raises NotOpen, NotYours or leases.NoTicketLeft, and writes nothing.

    The lock on the study's first protocol serialises arrivals; the unique constraints stand behind it.
    """
    try:
        return _enrol(study, arrival)
    except IntegrityError:
        found = known(study, arrival)
        if found is None:
            raise
        return found


def current_protocol(study: Study) -> Protocol | None:
    """The newest sealed protocol, its document left in the database."""
    sealed_ones = study.protocols.filter(sealed_at__isnull=False).defer("document")
    return sealed_ones.order_by("-version").first()


def known(study: Study, arrival: Arrival) -> Participant | None:
    """Who already came with this external id, or by this very form. Raises NotYours.

    An id is known to others too: panels show it, links hold it. Only the browser of the first start, the personal link
    or the submission's own secret (Prolific's SESSION_ID) show that it is the same person.
    """
    sent = known_sender(study, arrival.provider, arrival.external_id)
    if sent is None:
        return Participant.objects.filter(study=study, token=arrival.token).first()
    if not shown(sent, (arrival.token, arrival.returning), arrival.session):
        raise NotYours
    return sent.participant


def shown(sent: ExternalId, tokens: Collection[str], session: str) -> bool:
    """Whether who comes shows to be the person of this id: a token of theirs, or the secret of their submission or link."""
    return sent.participant.token in tokens or (bool(sent.session) and sent.session == session)


def known_sender(study: Study, provider: str, external_id: str) -> ExternalId | None:
    """Whom this external id names, withdrawn or not."""
    if not external_id:
        return None
    names = [external_id, pseudonym(external_id)]
    found = ExternalId.objects.filter(study=study, provider=provider, value__in=names)
    return found.select_related("participant").first()


@transaction.atomic
def _enrol(study: Study, arrival: Arrival) -> Participant:
    leases.lock(study.pk)
    sealed = Protocol.objects.filter(study=study, sealed_at__isnull=False).defer("document")
    protocol = sealed.select_related("study").order_by("-version").first()
    if found := known(study, arrival):
        return found
    if protocol is None or not (protocol.study.is_open or _may_preview(protocol, arrival)):
        raise NotOpen
    participant, trials = _create(protocol, arrival, timezone.now())
    Trial.objects.bulk_create(trials)
    chain_heads.locked(ChainHead.Kind.ARRIVALS, study.pk).append(ledger.arrival(participant))
    return participant


def _create(protocol: Protocol, arrival: Arrival, now: datetime) -> tuple[Participant, list[Trial]]:
    """The stored participant, who has a ticket, with their trials, which are not stored yet."""
    frozen = frozen_protocol(protocol.pk)
    minutes, offered = leases.hold(frozen.settings), None
    if arrival.kind == Kind.PERSON:
        leases.release_expired(protocol, now)
        offered = leases.chosen(
            protocol, now, target=frozen.settings["target_participants"], most=arrival.quota
        )
    participant = Participant(
        study=protocol.study,
        protocol=protocol,
        token=arrival.token,
        kind=arrival.kind,
        state=Participant.State.CONSENTED,
        language=arrival.language,
        user_agent_family=arrival.user_agent_family,
        device=arrival.device,
        consent_version=arrival.consent_version,
        client=dict(arrival.client),
        link_parameters=dict(arrival.link_parameters),
        started_at=now,
        consented_at=now,
        last_seen_at=now,
        ticket_number=offered.ticket if offered else leases.next_uncounted(protocol, arrival.kind),
        surplus=offered is not None and not offered.primary,
        named=bool(arrival.external_id),
    )
    trials = planned_trials.trials_of(participant, frozen)
    participant.plan = ledger.plan_digest(trials)
    participant.chain_head = ledger.beginning(participant, protocol.hash)
    participant.save(force_insert=True)
    if arrival.external_id:
        ExternalId.objects.create(
            study=protocol.study,
            participant=participant,
            provider=arrival.provider,
            value=arrival.external_id,
            session=arrival.session,
        )
    if offered:
        leases.hand_over(protocol, participant, offered, now, minutes)
    return participant, trials


def _may_preview(protocol: Protocol, arrival: Arrival) -> bool:
    return arrival.kind == Kind.PREVIEW and protocol.study.state not in states.OVER
