"""The rows of the numbered tickets: held at consent, leased from the first counted answer, released when that ran out.

Which ticket an arrival takes is `tickets.offer`, a pure rule.

Every function runs inside the caller's transaction. `take` needs the lock on the study's first protocol (`enrolment`
holds it); the others are single conditional UPDATEs, safe beside it. Tickets are those of the first seal of a
measurement, so that an amendment goes on in the same square.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max, QuerySet, Subquery

from survey_site.protocols.models import Protocol
from survey_site.trials.models import Participant, Ticket
from survey_site.trials.tickets import Offer, offer
from survey_site.trials.who_counts import together_with

State = Ticket.State


HOLD_MINUTES = 10
"""How long a ticket is kept for who has begun and not yet answered: starts alone cannot fill a study."""


class NoTicketLeft(Exception):
    """The quota is used up: every ticket is leased or completed."""


def lock(study: int) -> None:
    """Serialises who takes a ticket of this study (row id). Always the same row, whatever is sealed meanwhile."""
    sealed = Protocol.objects.filter(study=study, sealed_at__isnull=False).defer("document")
    sealed.select_for_update(of=("self",), no_key=True).order_by("version").first()


def hold(settings: Mapping[str, Any]) -> int:
    """Minutes for which a ticket is kept before the first counted answer."""
    return min(HOLD_MINUTES, int(settings["lease_minutes"]))


def release_expired(protocol: Protocol, now: datetime) -> int:
    """Frees the tickets of participants who have not answered within the lease; their answers stay."""
    expired = Ticket.objects.filter(
        protocol=protocol.measurement_id, state=State.LEASED, lease_expires_at__lt=now
    )
    away = list(expired.values_list("participant", flat=True))
    if not away:
        return 0
    here = Participant.objects.select_for_update(no_key=True).filter(pk__in=away).order_by("pk")
    held = {participant.pk: participant for participant in here}
    gone = dict(expired.values_list("pk", "participant"))  # again: an answer may have come before the lock
    dropped = [
        held[pk] for pk in gone.values() if pk in held and held[pk].state == Participant.State.CONSENTED
    ]
    for participant in dropped:
        participant.doubt()
        participant.state = Participant.State.DROPPED
        participant.seal = participant.made_seal()
    Participant.objects.bulk_update(dropped, ["state", "seal"])
    return Ticket.objects.filter(pk__in=gone).update(state=State.RELEASED)


def take(
    protocol: Protocol,
    participant: Participant,
    now: datetime,
    minutes: int,
    *,
    target: int,
    most: int | None,
) -> Offer:
    """Leases the lowest released ticket, else the next new one. The caller holds the study's lock, and has
    released what expired.

    target: tickets that fill the Latin square; those from there on are surplus, outside the primary analysis.
    most: the recruiter's quota of places; raises NoTicketLeft where it is used up. Without one the door stays
    open, since people whom a recruiter sent are not turned away.
    """
    found = chosen(protocol, now, target=target, most=most)
    hand_over(protocol, participant, found, now, minutes)
    return found


def chosen(protocol: Protocol, now: datetime, *, target: int, most: int | None) -> Offer:
    """The ticket that `take` would lease; it stays free as long as the study's lock is held."""
    found = offered(protocol.measurement_id or protocol.pk, now, target=target)
    if found.ticket is None or (most is not None and found.ticket >= most):
        raise NoTicketLeft
    return found


def hand_over(
    protocol: Protocol, participant: Participant, found: Offer, now: datetime, minutes: int
) -> None:
    """Leases a chosen ticket to a participant, whose row is stored."""
    assert found.ticket is not None
    begun = protocol.measurement_id or protocol.pk
    taken = {
        "state": State.LEASED,
        "participant": participant,
        "lease_expires_at": now + timedelta(minutes=minutes),
    }
    if not Ticket.objects.filter(protocol=begun, number=found.ticket).update(**taken):
        Ticket.objects.create(protocol_id=begun, number=found.ticket, **taken)


def offered(protocol: int, now: datetime, *, target: int) -> Offer:
    """What an arrival would get now, were nobody faster; `protocol` is the row id of its measurement.

    One query, which looks at the ends of indexes: the tickets of those who have finished are read by nobody.
    """
    own = Ticket.objects.filter(protocol=protocol)

    def first(tickets: QuerySet[Ticket], order: str = "number") -> Subquery:
        return Subquery(tickets.order_by(order).values("number")[:1])

    ends = (
        first(own.filter(state=State.RELEASED)),
        first(own.filter(state=State.LEASED, lease_expires_at__lt=now)),
        first(own, "-number"),
    )
    released, expired, highest = Protocol.objects.filter(pk=protocol).values_list(*ends).get()
    return offer(
        lowest_released=min((number for number in (released, expired) if number is not None), default=None),
        issued=0 if highest is None else highest + 1,
        quota=target,
        overflow=True,
    )


def next_uncounted(protocol: Protocol, kind: str) -> int:
    """Number for a bot or preview: each kind has its own sequence and takes no ticket from a person."""
    used = Participant.objects.filter(together_with(protocol), kind=kind)
    highest = used.aggregate(highest=Max("ticket_number"))["highest"]
    return 0 if highest is None else highest + 1


def renew(participant: Participant, now: datetime, minutes: int) -> bool:
    """Keeps or takes back the participant's own ticket; False where it was given to someone else."""
    return bool(
        Ticket.objects.filter(
            participant=participant,
            state__in=[State.LEASED, State.RELEASED],
        ).update(state=State.LEASED, lease_expires_at=now + timedelta(minutes=minutes))
    )


def settle(participant: Participant, *, completed: bool) -> bool:
    """Ends the lease: completed for good, or released for the next one. False where the ticket was lost."""
    return bool(
        Ticket.objects.filter(
            participant=participant,
        ).update(state=State.COMPLETED if completed else State.RELEASED, lease_expires_at=None)
    )


def take_in(sender: object, protocol: Protocol, **_: object) -> None:
    """An amendment that raises the target takes in who came beyond the old one and holds a ticket of the new square."""
    target = protocol.content.get("design", {}).get("target_participants", 0)
    held = Ticket.objects.filter(protocol=protocol.measurement_id, number__lt=target).exclude(
        state=State.RELEASED
    )
    moved = Participant.objects.select_for_update(no_key=True).filter(
        together_with(protocol), surplus=True, pk__in=held.values("participant")
    )
    for participant in moved:
        participant.doubt()
        participant.surplus = False
        participant.save(update_fields=["surplus"])
