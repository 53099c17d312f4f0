"""Who began beyond the target moves to a place that came free, as long as no trial was shown to them.

Places come free when starts that were never followed by an answer have held them for long enough. Trials are planned
from the ticket, so nobody moves once the first of them is issued.
"""

from datetime import datetime

from survey_site.protocols.models import Protocol
from survey_site.recruitment.models import Recruitment
from survey_site.trials import leases, ledger, planned_trials
from survey_site.trials.models import Participant, Ticket, Trial
from survey_site.trials.session import Session


def may_move(session: Session) -> bool:
    """Whether this person would take another ticket if there were one."""
    participant = session.participant
    return (
        participant.kind == Participant.Kind.PERSON
        and participant.surplus
        and not any(row.issued for row in session.rows)
    )


def place_is_free(session: Session, now: datetime) -> bool:
    """A look without a lock, so that nobody waits for it where there is none."""
    settings = session.frozen.settings
    offered = leases.offered(session.frozen.measurement_id, now, target=settings["target_participants"])
    return offered.ticket is not None and offered.primary


def move_up(session: Session, now: datetime) -> Session:
    """Takes the lowest free ticket and plans its trials; the session as it was where somebody was faster.

    The caller holds the lock on the study's tickets, taken before that on the participant's.
    """
    participant, settings = session.participant, session.frozen.settings
    protocol = Protocol.objects.defer("document").get(pk=participant.protocol_id)
    quota = Recruitment.objects.filter(study=participant.study_id).values_list("quota", flat=True).first()
    leases.release_expired(protocol, now)
    Ticket.objects.filter(participant=participant, state=Ticket.State.LEASED).update(
        state=Ticket.State.RELEASED, participant=None, lease_expires_at=None
    )
    target, minutes = settings["target_participants"], leases.hold(settings)
    try:
        offered = leases.take(protocol, participant, now, minutes, target=target, most=quota)
    except leases.NoTicketLeft:  # they had lost theirs, and the quota leaves no other
        return session
    participant.ticket_number, participant.surplus = offered.ticket, not offered.primary
    trials = planned_trials.trials_of(participant, session.frozen)
    # The lease counts from now, as verify finds it again.
    participant.plan, participant.last_seen_at = ledger.plan_digest(trials), now
    participant.save(update_fields=["state", "ticket_number", "surplus", "plan", "last_seen_at"])
    Trial.objects.filter(participant=participant).delete()
    Trial.objects.bulk_create(trials)
    return Session(participant)
