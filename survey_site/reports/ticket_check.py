"""Do the tickets of a study say what its participants say? These are under seals; tickets change too often for one."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import timedelta

from survey_site.protocols.models import Protocol
from survey_site.reports.checked_thing import CheckedThing
from survey_site.studies.models import Study
from survey_site.trials import leases
from survey_site.trials.models import Participant, Ticket

State = Participant.State
HOLDERS = {
    Ticket.State.LEASED: {State.CONSENTED},
    Ticket.State.COMPLETED: {State.FINISHED},
    Ticket.State.RELEASED: {State.DROPPED, State.WITHDRAWN, State.FINISHED},
}


def tickets(study: Study) -> Iterator[CheckedThing]:
    """Every ticket, with whoever should hold it. A reconstruction has none to check."""
    if study.origin == Study.Origin.RECONSTRUCTION:
        return
    protocols = {protocol.pk: protocol for protocol in study.protocols.all()}
    minutes = {pk: _minutes(protocol) for pk, protocol in protocols.items()}
    people = Participant.objects.filter(study=study, kind=Participant.Kind.PERSON, protocol__in=protocols)
    people = people.exclude(ticket_number=None)
    by_measurement: dict[int | None, list[Participant]] = defaultdict(list)
    for person in people.order_by("pk"):
        by_measurement[protocols[person.protocol_id].measurement_id].append(person)
    rows = Ticket.objects.filter(protocol__study=study).order_by("protocol", "number")
    held: dict[int | None, list[Ticket]] = defaultdict(list)
    for ticket in rows:
        held[ticket.protocol_id].append(ticket)
    for measurement in sorted({*by_measurement, *held}, key=lambda pk: pk or 0):
        yield from _of_measurement(held[measurement], by_measurement[measurement], minutes)


def _minutes(protocol: Protocol) -> set[timedelta]:
    """How long a ticket is kept after its holder was last seen: before the first counted answer, and from then on."""
    settings = protocol.document.get("design", {})
    if "lease_minutes" not in settings:  # nor does any trial page know
        return set()
    return {timedelta(minutes=leases.hold(settings)), timedelta(minutes=settings["lease_minutes"])}


def _of_measurement(
    rows: list[Ticket], people: list[Participant], minutes: dict[int, set[timedelta]]
) -> Iterator[CheckedThing]:
    by_id = {person.pk: person for person in people}
    counted = Counter(row.number for row in rows)
    for number in range(max([*counted, *(person.ticket_number or 0 for person in people)], default=-1) + 1):
        if counted[number] != 1:
            yield CheckedThing("tickets", f"#{number}", f"there are {counted[number]} of it")
    for row in rows:
        yield CheckedThing("tickets", f"#{row.number}", _fault(row, by_id, minutes))
    holding = {(row.participant_id, row.number): row.state for row in rows}
    for person in people:
        state = holding.get((person.pk, person.ticket_number or 0))
        due = {State.CONSENTED: Ticket.State.LEASED, State.FINISHED: Ticket.State.COMPLETED}.get(
            State(person.state)
        )
        if due and not person.surplus and not person.excluded and state != due:
            told = f"{person.code} should hold it {due}"
            yield CheckedThing("tickets", f"#{person.ticket_number}", told)


def _fault(row: Ticket, people: dict[int, Participant], minutes: dict[int, set[timedelta]]) -> str:
    if row.participant_id is None:
        free = row.state == Ticket.State.RELEASED and row.lease_expires_at is None
        return "" if free else f"it is {row.state} and nobody holds it"
    holder = people.get(row.participant_id)
    if holder is None or holder.ticket_number != row.number:
        return "its holder has another one"
    if holder.excluded and holder.state == State.CONSENTED:  # left out before the end, and may go on
        return ""
    if row.state not in Ticket.State.values or holder.state not in HOLDERS[Ticket.State(row.state)]:
        return f"it is {row.state}, and its holder {holder.state}"
    if holder.state == State.FINISHED and holder.excluded == (row.state == Ticket.State.COMPLETED):
        return f"it is {row.state}, and its holder {'excluded' if holder.excluded else 'counted'}"
    ended = holder.state in (State.FINISHED, State.WITHDRAWN)
    if ended or row.lease_expires_at is None:
        wrong = ended != (row.lease_expires_at is None)
        return f"its lease is {row.lease_expires_at}, and its holder {holder.state}" if wrong else ""
    known = minutes[holder.protocol_id]
    if known and holder.last_seen_at and row.lease_expires_at - holder.last_seen_at not in known:
        return "its lease does not run from when its holder was last seen"
    return ""
