"""Notifications as rows: noticed once, announced after commit, claimed by conditional UPDATE, retried, swept.

The row is the truth and the message only a bell: whoever loses the message finds the row. A process that dies between
sending and noting it sends again; a receiver knows the repeated webhook by its `Survey-Delivery`.
"""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone
from kombu.exceptions import KombuError

from survey_site.celery import app
from survey_site.notifications import mail, webhook
from survey_site.notifications.errors import Permanent, Transient
from survey_site.notifications.events import Limits, Occasion, occasions
from survey_site.notifications.models import Delivery, Kind, Notification, Subscriber, Watch
from survey_site.notifications.study_counts import counts_of
from survey_site.studies.access import may
from survey_site.studies.models import Study

logger = logging.getLogger(__name__)

TASK = "notifications.deliver"
MAX_ATTEMPTS = 6
LEASE = timedelta(seconds=120)
REANNOUNCE_AFTER = timedelta(seconds=60)
LOOK_EVERY = timedelta(seconds=30)
State = Delivery.State


def watch_of(study: Study) -> Watch:
    """The study's watch. A new one begins now: what has happened already is not told."""
    watch, new = Watch.objects.get_or_create(study=study)
    if new:
        for occasion in occasions(counts_of(study, timezone.now()), limits_of(watch)):
            notice(study, occasion, tell=False)
    return watch


def limits_of(watch: Watch) -> Limits:
    """The declared percentages as shares."""

    def share(percent: int | None) -> float | None:
        return None if percent is None else percent / 100

    return Limits(share(watch.expected_dropout), share(watch.expected_failed_attention), watch.least)


def look(now: datetime | None = None) -> int:
    """Looks at every watched study that nobody looked at just now; returns how many notifications are new."""
    now = now or timezone.now()
    due = Q(looked_at=None) | Q(looked_at__lt=now - LOOK_EVERY)
    told = 0
    for watch in Watch.objects.filter(due).exclude(study__state=Study.State.CLOSED).select_related("study"):
        if Watch.objects.filter(due, pk=watch.pk).update(looked_at=now):  # one process at a time
            found = occasions(counts_of(watch.study, now), limits_of(watch))
            told += sum(notice(watch.study, occasion) is not None for occasion in found)
    return told


def notice(study: Study, occasion: Occasion, *, tell: bool = True) -> Notification | None:
    """Writes the notification and whom to tell, once; None where it was noticed before."""
    with transaction.atomic():
        row, new = Notification.objects.get_or_create(
            study=study,
            kind=occasion.kind,
            occasion=occasion.occasion,
            defaults={
                "subject": f"{study.title}: {occasion.subject}"[:300],
                "body": occasion.body,
                "facts": occasion.facts,
                "link": reverse(f"admin:{occasion.page}", args=[study.pk]),
            },
        )
        if not new:
            return None
        if tell:
            subscribed = Subscriber.objects.filter(study=study).values_list("user", flat=True)
            _address(row, list(subscribed), webhook=bool(study.watch.webhook_url))
    return row


def send_test(study: Study, user: AbstractBaseUser, now: datetime | None = None) -> Notification:
    """A notification to whoever asks and to the webhook, to see that both arrive."""
    watch = watch_of(study)
    with transaction.atomic():
        row = Notification.objects.create(
            study=study,
            kind=Kind.TEST,
            occasion=(now or timezone.now()).isoformat(),
            subject=f"{study.title}: a test of the notifications"[:300],
            body="This is a test. If you read it, notifications of this study reach you.",
            link=reverse("admin:study_notifications", args=[study.pk]),
        )
        _address(row, [user.pk], webhook=bool(watch.webhook_url))
    return row


def _address(row: Notification, users: Iterable[int], *, webhook: bool) -> None:
    new = [Delivery(notification=row, address=f"mail:{user}", user_id=user) for user in users]
    if webhook:
        new.append(Delivery(notification=row, address=Delivery.WEBHOOK))
    ids = [delivery.pk for delivery in Delivery.objects.bulk_create(new)]
    transaction.on_commit(lambda: announce(ids))


def announce(ids: Sequence[int]) -> None:
    """Rings the bell for each. A broker that is away costs nothing: the sweeper rings again."""
    for pk in ids:
        try:
            app.send_task(TASK, args=[pk])
        except (OSError, KombuError) as error:
            logger.warning("broker unreachable (%s): notifications wait for the sweeper", error)
            return
        Delivery.objects.filter(pk=pk).update(announced_at=timezone.now())


def deliver(pk: int, now: datetime | None = None) -> None:
    """Sends one delivery, if it is still to be sent. Any number of processes may try at the same time."""
    now = now or timezone.now()
    ready = Q(not_before=None) | Q(not_before__lte=now)
    won = Delivery.objects.filter(ready, pk=pk, state=State.QUEUED).update(
        state=State.SENDING, attempts=F("attempts") + 1, lease_expires_at=now + LEASE
    )
    if not won:
        return
    delivery = Delivery.objects.select_related("notification__study", "user").get(pk=pk)
    try:
        _send(delivery)
    except Permanent as error:
        _settle(delivery, state=State.FAILED, reason=str(error))
    except Transient as error:
        if delivery.attempts >= MAX_ATTEMPTS:
            _settle(delivery, state=State.FAILED, reason=f"Given up after {delivery.attempts} tries: {error}")
        else:
            later = now + backoff(delivery.attempts)
            _settle(delivery, state=State.QUEUED, reason=str(error), not_before=later, announced_at=None)
    else:
        _settle(delivery, state=State.SENT, reason="", sent_at=timezone.now())


def _settle(delivery: Delivery, *, reason: str, **changes: object) -> None:
    Delivery.objects.filter(pk=delivery.pk, state=State.SENDING, attempts=delivery.attempts).update(
        reason=reason[:300], lease_expires_at=None, **changes
    )


def backoff(attempts: int) -> timedelta:
    """30 s, 2 min, 8 min, 32 min, about 2 h: how long to wait after the n-th try."""
    return timedelta(seconds=30 * 4 ** max(attempts - 1, 0))


def _send(delivery: Delivery) -> None:
    row, user = delivery.notification, delivery.user
    link = settings.SITE_URL + row.link
    if delivery.address != Delivery.WEBHOOK:
        if user is None or not may(user, "view", row.study_id):
            raise Permanent("The study is not shared with this person any more.")
        mail.post(user.email, row.subject, f"{row.body}\n\n{link}\n\n{FOOTER}")
        return
    watch = row.study.watch
    if not watch.webhook_url:
        raise Permanent("The study has no webhook any more.")
    content = {
        "kind": row.kind,
        "study": row.study.slug,
        "occasion": row.occasion,
        "at": row.created_at.isoformat(),
        "subject": row.subject,
        "text": row.body,
        "link": link,
        "facts": row.facts,
    }
    webhook.post(watch.webhook_url, watch.webhook_secret, delivery.pk, content)


FOOTER = (
    "You get this mail because you asked for it on the study's page “Notifications”; there you can stop it."
)


def sweep(now: datetime | None = None) -> int:
    """Takes back what a dead process was sending, and rings again for what nobody heard; returns how many."""
    now = now or timezone.now()
    Delivery.objects.filter(state=State.SENDING, lease_expires_at__lt=now).update(
        state=State.QUEUED, lease_expires_at=None, announced_at=None
    )
    unheard = (
        Delivery.objects.filter(state=State.QUEUED)
        .filter(Q(announced_at=None) | Q(announced_at__lt=now - REANNOUNCE_AFTER))
        .filter(Q(not_before=None) | Q(not_before__lte=now))
        .order_by("pk")
        .values_list("pk", flat=True)[:200]
    )
    ids = list(unheard)
    announce(ids)
    return len(ids)


def retry_failed(study: Study) -> int:
    """Queues the study's failed deliveries again; returns how many."""
    ids = list(
        Delivery.objects.filter(notification__study=study, state=State.FAILED).values_list("pk", flat=True)
    )
    Delivery.objects.filter(pk__in=ids, state=State.FAILED).update(
        state=State.QUEUED, attempts=0, reason="", not_before=None, announced_at=None
    )
    transaction.on_commit(lambda: announce(ids))
    return len(ids)
