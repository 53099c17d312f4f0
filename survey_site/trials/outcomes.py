"""How each recruited participant ended, from the rows alone."""

from collections.abc import Iterable

from django.db.models import Count, Q

from survey_site.protocols.models import Protocol
from survey_site.recruitment.marks import mark_of
from survey_site.recruitment.models import TurnedAway
from survey_site.recruitment.reconcile import Known
from survey_site.studies.models import Study
from survey_site.trials import attention, haste
from survey_site.trials.models import ExternalId, Participant, Response
from survey_site.trials.signed_tokens import pseudonym

State = Participant.State


def outcomes(study: Study, provider: str, claimed: Iterable[str] = ()) -> list[Known]:
    """Everybody whom this provider sent, with the answers they gave and those planned.

    claimed: ids in the provider's file; by them who withdrew is recognised, whose id is no longer readable here.
    """
    claimed = list(claimed)
    readable = {pseudonym(external_id): external_id for external_id in claimed}
    people = (
        ExternalId.objects.filter(study=study, provider=provider, participant__kind=Participant.Kind.PERSON)
        .select_related("participant")
        .annotate(
            planned=Count("participant__trials"),
            answered=Count("participant__trials", filter=Q(participant__trials__response__isnull=False)),
        )
        .order_by("value")
    )
    failed = failed_attention(study)
    known = [
        Known(
            external_id=readable.get(one.value, one.value),
            participant=one.participant.code,
            outcome=_outcome(one.participant, failed),
            answered=one.answered,
            planned=one.planned,
        )
        for one in people
    ]
    return known + _turned_away(study, provider, set(claimed) - {one.external_id for one in known})


def _turned_away(study: Study, provider: str, claimed: Iterable[str]) -> list[Known]:
    """Of the ids in the provider's file those that were shown a code at the door; their own marks cannot be read."""
    noted = set(TurnedAway.objects.filter(study=study).values_list("mark", flat=True))
    return [
        Known(external_id, "", "turned_away", 0, 0)
        for external_id in sorted(claimed)
        if noted and mark_of(provider, external_id) in noted
    ]


def failed_attention(study: Study) -> set[int]:
    """Participants (row ids) who failed as many checks as their protocol's rule declares."""
    checks = Response.objects.filter(participant__study=study, trial__attention_check=True).values_list(
        "participant", "participant__protocol", "trial__expected", "score"
    )
    failures: dict[tuple[int, int], list[bool]] = {}
    for participant, protocol, expected, score in checks:
        failures.setdefault((participant, protocol), []).append(attention.failed(expected, score))
    sealed = Protocol.objects.filter(pk__in={protocol for _participant, protocol in failures})
    rules = dict(sealed.values_list("pk", "document__exclusion_rules"))
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
