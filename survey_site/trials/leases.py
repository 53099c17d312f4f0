"""The rows of the numbered tickets: held at consent, leased from the first counted answer, released when that ran out.

Which ticket an arrival takes is `tickets.offer`, a pure rule.

Every function runs inside the caller's transaction. `take` needs the lock on the protocol row (`enrolment`
holds it); the others are single conditional UPDATEs, safe beside it.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max, Min, Q

from survey_site.protocols.models import Protocol
from survey_site.trials.models import Participant, Ticket
from survey_site.trials.tickets import Offer, offer

State = Ticket.State


HOLD_MINUTES = 10
"""How long a ticket is kept for who has begun and not yet answered: starts alone cannot fill a study."""


class NoTicketLeft(Exception):
    """The quota is used up: every ticket is leased or completed."""


def hold(settings: Mapping[str, Any]) -> int:
    """Minutes for which a ticket is kept before the first counted answer."""
    return min(HOLD_MINUTES, int(settings["lease_minutes"]))


def release_expired(protocol: Protocol, now: datetime) -> int:
    """Frees the tickets of participants who have not answered within the lease; their answers stay."""
    expired = Ticket.objects.filter(protocol=protocol, state=State.LEASED, lease_expires_at__lt=now)
    Participant.objects.filter(
        pk__in=expired.values("participant"), state=Participant.State.CONSENTED
    ).update(state=Participant.State.DROPPED)
    return expired.update(state=State.RELEASED)


def take(
    protocol: Protocol,
    participant: Participant,
    now: datetime,
    minutes: int,
    *,
    target: int,
    most: int | None,
) -> Offer:
    """Leases the lowest released ticket, else the next new one. The caller holds the protocol's lock, and has
    released what expired.

    target: tickets that fill the Latin square; those from there on are surplus, outside the primary analysis.
    most: the recruiter's quota of places; raises NoTicketLeft where it is used up. Without one the door stays
    open, since people whom a recruiter sent are not turned away.
    """
    lease = now + timedelta(minutes=minutes)
    tickets = Ticket.objects.filter(protocol=protocol)
    found = offered(protocol.pk, now, target=target)
    if found.ticket is None or (most is not None and found.ticket >= most):
        raise NoTicketLeft
    taken = {"state": State.LEASED, "participant": participant, "lease_expires_at": lease}
    if not tickets.filter(number=found.ticket).update(**taken):
        Ticket.objects.create(protocol=protocol, number=found.ticket, **taken)
    return found


def offered(protocol: int, now: datetime, *, target: int) -> Offer:
    """What an arrival would get now, were nobody faster; `protocol` is a row id. One query."""
    free = Q(state=State.RELEASED) | Q(state=State.LEASED, lease_expires_at__lt=now)
    known = Ticket.objects.filter(protocol=protocol).aggregate(
        lowest=Min("number", filter=free), highest=Max("number")
    )
    issued = 0 if known["highest"] is None else known["highest"] + 1
    return offer(lowest_released=known["lowest"], issued=issued, quota=target, overflow=True)


def next_uncounted(protocol: Protocol, kind: str) -> int:
    """Number for a bot or preview: each kind has its own sequence and takes no ticket from a person."""
    used = Participant.objects.filter(protocol=protocol, kind=kind)
    highest = used.aggregate(highest=Max("ticket_number"))["highest"]
    return 0 if highest is None else highest + 1


def renew(participant: Participant, now: datetime, minutes: int) -> bool:
    """Keeps or takes back the participant's own ticket; False where it was given to someone else."""
    return bool(
        Ticket.objects.filter(
            protocol_id=participant.protocol_id,
            participant=participant,
            state__in=[State.LEASED, State.RELEASED],
        ).update(state=State.LEASED, lease_expires_at=now + timedelta(minutes=minutes))
    )


def settle(participant: Participant, *, completed: bool) -> bool:
    """Ends the lease: completed for good, or released for the next one. False where the ticket was lost."""
    return bool(
        Ticket.objects.filter(
            protocol_id=participant.protocol_id,
            participant=participant,
        ).update(state=State.COMPLETED if completed else State.RELEASED, lease_expires_at=None)
    )
