"""Withdrawal by receipt: the answers go, an empty row stays."""

from django.db import transaction
from django.utils import timezone

from survey_site.trials import leases
from survey_site.trials.models import ExternalId, Participant
from survey_site.trials.signed_tokens import pseudonym

State = Participant.State


@transaction.atomic
def withdraw(receipt: str) -> Participant | None:
    """Erases answers, trials, exposures, demographics and measurements, and makes the external id unreadable.

    The ticket goes to the next arrival. The row that stays says that somebody withdrew, and when; None where
    no participant has this receipt.
    """
    found = Participant.objects.select_for_update(of=("self",), no_key=True).filter(receipt=receipt).first()
    if found is None or found.state == State.WITHDRAWN:
        return found
    leases.settle(found, completed=False)
    found.trials.all().delete()
    for external in ExternalId.objects.filter(participant=found):
        external.value, external.session = pseudonym(external.value), ""
        external.save(update_fields=["value", "session"])
    Participant.objects.filter(pk=found.pk).update(
        state=State.WITHDRAWN,
        demographics={},
        client={},
        link_parameters={},
        acknowledged=[],
        language="",
        user_agent_family="",
        device="",
        excluded=True,
        exclusion_reason="withdrawn",
        last_seen_at=timezone.now(),
    )
    found.refresh_from_db()
    return found
