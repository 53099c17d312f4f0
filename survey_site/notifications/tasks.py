"""Celery: thin. Every worker, whatever its queue, also looks at the rows from a thread."""

from collections.abc import Sequence

from celery import shared_task

from survey_site.accounts.password_links import MAIL
from survey_site.celery import while_working
from survey_site.notifications import forgotten, outbox, retention, storms
from survey_site.notifications.errors import Permanent, Transient
from survey_site.notifications.models import Delivery

SWEEP_SECONDS = 15
RETENTION_SECONDS = 300


@shared_task(name=Delivery.LANE.task)
def deliver(ids: Sequence[int]) -> None:
    """Sends notifications to their addresses; the rows decide whether that is still wanted."""
    outbox.deliver(ids)


@shared_task(
    name=MAIL, autoretry_for=(Transient,), retry_backoff=30, max_retries=4, dont_autoretry_for=(Permanent,)
)
def mail_password_links(address: str) -> None:
    """Mails whoever has this address a link; a lost message costs that they ask again."""
    forgotten.mail_links(address)


def _look() -> None:
    outbox.look()
    outbox.sweep()
    storms.tell_of_storms()


while_working("looking for notifications", SWEEP_SECONDS, _look)
while_working("erasing identifiers", RETENTION_SECONDS, retention.look)
