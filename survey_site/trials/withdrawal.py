"""Withdrawal, by receipt or by who recruits: the answers go, an empty row stays."""

from django.db import transaction
from django.utils import timezone

from survey_site.recruitment.marks import mark_of
from survey_site.recruitment.models import Recruitment, TurnedAway
from survey_site.studies.models import Study
from survey_site.trials import leases
from survey_site.trials.models import ExternalId, Participant
from survey_site.trials.signed_tokens import pseudonym

State = Participant.State


@transaction.atomic
def withdraw(receipt: str) -> Participant | None:
    """Erases answers, trials, exposures, demographics and measurements, and makes the external id unreadable.

    The salts go with the answers, of which digests stay that tell nothing (ledger.py). The ticket goes to the next
    arrival. The row that stays says that somebody withdrew, and when; None where no participant has this receipt.
    """
    found = Participant.objects.select_for_update(of=("self",), no_key=True).filter(receipt=receipt).first()
    if found is None or found.state == State.WITHDRAWN:
        return found
    found.doubt()
    leases.settle(found, completed=False)
    found.trials.all().delete()
    for external in ExternalId.objects.filter(participant=found):
        external.doubt()
        external.value, external.session = pseudonym(external.value), ""
        external.save(update_fields=["value", "session"])
    left = {
        "state": State.WITHDRAWN,
        "demographics": {},
        "client": {},
        "link_parameters": {},
        "acknowledged": [],
        "language": "",
        "user_agent_family": "",
        "device": "",
        "excluded": True,
        "exclusion_reason": "withdrawn",
        "last_seen_at": timezone.now(),
        "plan": "",
        "presented": "",
    }
    for name, value in left.items():
        setattr(found, name, value)
    found.save(update_fields=list(left))
    return found


@transaction.atomic
def erase_person(study: Study, external_id: str) -> list[str]:
    """What `withdraw` does, for who asked the recruiter by the identifier; the codes of whom it names here.

    The mark that they were turned away at the door goes too. Nobody: an empty list.
    """
    named = ExternalId.objects.filter(study=study, value__in=[external_id, pseudonym(external_id)])
    found = list(named.values_list("participant__receipt", "participant__code"))
    for receipt, _code in found:
        withdraw(receipt)
    marks = [mark_of(provider, external_id) for provider in Recruitment.Provider.values]
    gone, _by_model = TurnedAway.objects.filter(study=study, mark__in=marks).delete()
    return [code for _receipt, code in found] or ["turned away"] * bool(gone)
