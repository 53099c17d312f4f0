"""How each recruited participant ended, from the rows alone."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from django.db.models import Count, Q, QuerySet

from survey_site.protocols.models import Protocol
from survey_site.recruitment.marks import mark_of
from survey_site.recruitment.models import TurnedAway
from survey_site.recruitment.reconcile import Known
from survey_site.studies.models import Study
from survey_site.trials import attention, haste
from survey_site.trials.models import ExternalId, Participant, Response, Trial
from survey_site.trials.signed_tokens import pseudonym

State = Participant.State
BATCH = 2000
Rules = dict[int, Any]
"""The exclusion rules of protocols, by row id."""


def recruited(study: Study, provider: str) -> QuerySet[ExternalId]:
    """The people whom this provider sent, in the order of their ids."""
    people = ExternalId.objects.filter(
        study=study, provider=provider, participant__kind=Participant.Kind.PERSON
    )
    return people.select_related("participant").order_by("value")


def outcomes(study: Study, provider: str, claimed: Iterable[str] = ()) -> list[Known]:
    """Everybody whom this provider sent, with the answers they gave and those planned; read some at a time.

    claimed: ids in the provider's file; by them who withdrew is recognised, whose id is no longer readable here.
    """
    claimed = list(claimed)
    readable = {pseudonym(external_id): external_id for external_id in claimed}
    people = recruited(study, provider).iterator(chunk_size=BATCH)
    rules: Rules = {}
    known: list[Known] = []
    while batch := list(islice(people, BATCH)):
        known += ended(batch, readable, rules)
    return known + _turned_away(study, provider, set(claimed) - {one.external_id for one in known})


def ended(
    people: Sequence[ExternalId], readable: Mapping[str, str] | None = None, rules: Rules | None = None
) -> list[Known]:
    """How these people ended. readable: ids by their pseudonyms. rules: those read already."""
    ids = [one.participant_id for one in people]
    trials = Trial.objects.filter(participant__in=ids).order_by().values("participant")
    counts = {
        row["participant"]: row
        for row in trials.annotate(
            planned=Count("pk"), answered=Count("pk", filter=Q(response__isnull=False))
        )
    }
    failed = failed_attention(ids, {} if rules is None else rules)
    nothing = {"planned": 0, "answered": 0}
    return [
        Known(
            external_id=(readable or {}).get(one.value, one.value),
            participant=one.participant.code,
            outcome=_outcome(one.participant, failed),
            answered=counts.get(one.participant_id, nothing)["answered"],
            planned=counts.get(one.participant_id, nothing)["planned"],
        )
        for one in people
    ]


def _turned_away(study: Study, provider: str, claimed: Iterable[str]) -> list[Known]:
    """Of the ids in the provider's file those that were shown a code at the door; their own marks cannot be read."""
    noted = set(TurnedAway.objects.filter(study=study).values_list("mark", flat=True))
    return [
        Known(external_id, "", "turned_away", 0, 0)
        for external_id in sorted(claimed)
        if noted and mark_of(provider, external_id) in noted
    ]


def failed_attention(people: Sequence[int], rules: Rules) -> set[int]:
    """Of these participants (row ids) those who failed as many checks as their protocol's rule declares.

    rules: those of protocols that are known; further ones are added.
    """
    checks = Response.objects.filter(participant__in=people, trial__attention_check=True).values_list(
        "participant", "participant__protocol", "trial__expected", "score"
    )
    failures: dict[tuple[int, int], list[bool]] = {}
    for participant, protocol, expected, score in checks:
        failures.setdefault((participant, protocol), []).append(attention.failed(expected, score))
    if unread := {protocol for _participant, protocol in failures} - rules.keys():
        sealed = Protocol.objects.filter(pk__in=unread)
        rules.update(sealed.values_list("pk", "document__exclusion_rules"))
    return {
        participant
        for (participant, protocol), found in failures.items()
        if attention.excluded_by(found, rules[protocol] or {})
    }


def _outcome(participant: Participant, failed: set[int]) -> str:
    if participant.state == State.WITHDRAWN:
        return "withdrawn"
    if participant.state != State.FINISHED:
        return "unfinished"
    if participant.exclusion_reason == haste.REASON:
        return "too_fast"
    return "failed_attention" if participant.pk in failed else "completed"
