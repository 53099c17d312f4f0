"""How many places of a study are taken, and how its participants ended: for who recruits."""

from dataclasses import dataclass

from django.db.models import Count

from survey_site.protocols.models import Protocol
from survey_site.recruitment.models import Recruitment
from survey_site.studies.models import Study
from survey_site.trials.models import Participant, Ticket


@dataclass(frozen=True, slots=True)
class Places:
    """The state of a recruitment. Who withdrew is not among the states."""

    provider: str
    quota: int | None
    places_taken: int
    states: dict[str, int]


def places_of(study: Study) -> Places:
    """Of the newest protocol; four queries."""
    recruitment: Recruitment | None = getattr(study, "recruitment", None)
    protocol = Protocol.objects.filter(study=study).defer("document").order_by("-version").first()
    people = Participant.objects.filter(protocol=protocol, kind=Participant.Kind.PERSON) if protocol else None
    counted = (
        dict(people.order_by().values_list("state").annotate(n=Count("pk"))) if people is not None else {}
    )
    taken = [Ticket.State.LEASED, Ticket.State.COMPLETED]
    return Places(
        provider=recruitment.provider if recruitment else Recruitment.Provider.LINK,
        quota=recruitment.quota if recruitment else None,
        places_taken=Ticket.objects.filter(protocol=protocol, state__in=taken).count() if protocol else 0,
        states={
            state: counted.get(state, 0)
            for state in Participant.State.values
            if state != Participant.State.WITHDRAWN
        },
    )
