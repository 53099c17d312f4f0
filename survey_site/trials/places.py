"""How many places of a study are taken, and how its participants ended: for who recruits."""

from dataclasses import dataclass

from django.db.models import Count

from survey_site.recruitment.models import Recruitment
from survey_site.studies.models import Study
from survey_site.trials.models import Participant, Ticket
from survey_site.trials.who_counts import newest_protocol, seals_of, together_with


@dataclass(frozen=True, slots=True)
class Places:
    """The state of a recruitment. Who withdrew is not among the states."""

    provider: str
    quota: int | None
    places_taken: int
    states: dict[str, int]


def places_of(study: Study) -> Places:
    """Of the newest protocol and those whose data stand together with its own."""
    recruitment: Recruitment | None = getattr(study, "recruitment", None)
    protocol = newest_protocol(study.pk)
    people = Participant.objects.filter(together_with(protocol), kind=Participant.Kind.PERSON)
    counted = dict(people.order_by().values_list("state").annotate(n=Count("pk")))
    taken = [Ticket.State.LEASED, Ticket.State.COMPLETED]
    return Places(
        provider=recruitment.provider if recruitment else Recruitment.Provider.LINK,
        quota=recruitment.quota if recruitment else None,
        places_taken=Ticket.objects.filter(protocol__in=seals_of(protocol), state__in=taken).count()
        if protocol
        else 0,
        states={
            state: counted.get(state, 0)
            for state in Participant.State.values
            if state != Participant.State.WITHDRAWN
        },
    )
