"""A study under a sealed stopping rule, for tests, and people who finish it."""

from typing import Any

from survey_site.protocols.models import Protocol
from survey_site.trials.models import Participant, Ticket
from tests.reports.factory import Survey, survey

RULE = {"outcome": "index", "column": "Ours 1", "looks": [4, 8, 12], "spending": "pocock"}


def ruled(rule: dict[str, Any] | None = None, **plan: Any) -> Survey:
    """A masked live study of twelve participants under a sealed rule."""
    made = survey(masked=True, target_participants=12)
    conditions = [
        {"column": c.column, "column_order": c.column_order, "classifier": c.classifier, "base": c.base,
         "method": c.method, "is_reference": c.is_reference}
        for c in made.conditions
    ]  # fmt: skip
    sealed = {"stopping": rule or RULE, "resamples": 99} | plan
    design = made.protocol.document["design"] | {"target_participants": 12}
    document = made.protocol.document | {"conditions": conditions, "analysis_plan": sealed, "design": design}
    Protocol.objects.filter(pk=made.protocol.pk).update(document=document)
    made.protocol.refresh_from_db()
    return made


def finishes(made: Survey, number: int, *, apart: int) -> Participant:
    """Ticket `number` is completed by somebody who rates the columns so far apart, images and people varying."""
    who = made.participant(ticket_number=number)
    for image in range(4):
        noise = (number * 7 + image * 3) % 3
        for column in (0, 1):
            rating = min(6, 1 + noise // 2 + apart * column + (image + number + column) % 2)
            made.rating(who, column, rating, stimulus=made.stimuli[image + 4 * column])
    Ticket.objects.create(protocol=made.protocol, number=number, participant=who, state="completed")
    return who


def four_finished(*, apart: int) -> Survey:
    """A study under the sealed rule, of which the first look is due."""
    made = ruled()
    for number in range(4):
        finishes(made, number, apart=apart)
    return made
