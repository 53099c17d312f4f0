"""Notifications as leased rows: noticed once, addressed to every channel, delivered and swept.

A process that dies between sending and noting it sends again; a receiver knows the repeated webhook by its
`webhook-id`.
"""

import os
import socket
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from survey_site.notifications.channel_table import CHANNELS
from survey_site.notifications.errors import Permanent, Transient
from survey_site.notifications.events import Limits, Occasion, occasions
from survey_site.notifications.models import Delivery, Kind, Notification, Subscriber, Watch
from survey_site.notifications.study_counts import counts_of, kept_counts_of
from survey_site.stimuli import leased_rows
from survey_site.studies import states
from survey_site.studies.models import Study

LOOK_EVERY = timedelta(seconds=30)


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

    return Limits(
        share(watch.expected_dropout),
        share(watch.expected_failed_attention),
        watch.least,
        watch.expected_starts,
    )


def look(now: datetime | None = None) -> int:
    """Looks at every watched study that nobody looked at just now; returns how many notifications are new."""
    now = now or timezone.now()
    due = Q(looked_at=None) | Q(looked_at__lt=now - LOOK_EVERY)
    told = 0
    for watch in Watch.objects.filter(due).exclude(study__state__in=states.OVER).select_related("study"):
        if Watch.objects.filter(due, pk=watch.pk).update(looked_at=now):  # one process at a time
            found = occasions(kept_counts_of(watch.study, now), limits_of(watch))
            told += sum(notice(watch.study, occasion) is not None for occasion in found)
    return told


def notice(
    study: Study, occasion: Occasion, *, tell: bool = True, owner_too: bool = False
) -> Notification | None:
    """Writes the notification and whom to tell, once; None where it was noticed before.

    owner_too: the owner is told, whether subscribed or not.
    """
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
            told = set(Subscriber.objects.filter(study=study).values_list("user", flat=True))
            if owner_too and study.owner_id:
                told.add(study.owner_id)
            _address(row, sorted(told))
    return row


def send_test(study: Study, user: AbstractBaseUser, now: datetime | None = None) -> Notification:
    """A notification to whoever asks and to the webhook, to see that both arrive."""
    watch_of(study)
    with transaction.atomic():
        row = Notification.objects.create(
            study=study,
            kind=Kind.TEST,
            occasion=(now or timezone.now()).isoformat(),
            subject=f"{study.title}: a test of the notifications"[:300],
            body="This is a test. If you read it, notifications of this study reach you.",
            link=reverse("admin:study_notifications", args=[study.pk]),
        )
        _address(row, [user.pk])
    return row


def _address(row: Notification, users: Sequence[int]) -> None:
    """One delivery for each address of every channel, announced after commit."""
    new = [
        Delivery(notification=row, address=to.address, user_id=to.user)
        for channel in CHANNELS.values()
        for to in channel.addressees(row.study, users)
    ]
    ids = [delivery.pk for delivery in Delivery.objects.bulk_create(new)]
    transaction.on_commit(lambda: leased_rows.announce(Delivery, ids))


def deliver(ids: Sequence[int], now: datetime | None = None) -> None:
    """Sends these deliveries, as far as they are still to be sent. Any number of processes may try at once."""
    worker = f"{socket.gethostname()}:{os.getpid()}"
    for delivery in leased_rows.claim(Delivery, ids, worker, now):
        try:
            _send(delivery)
        except (Permanent, Transient) as error:
            permanent = isinstance(error, Permanent)
            leased_rows.fail(delivery, worker, str(error), permanent=permanent, now=now)
        else:
            leased_rows.finish(delivery, worker)


def _send(delivery: Delivery) -> None:
    channel = CHANNELS.get(delivery.channel)
    if channel is None:
        raise Permanent(f"This site has no channel “{delivery.channel}” any more.")
    channel.send(delivery)


def sweep(now: datetime | None = None) -> int:
    """Takes back what a dead process was sending, and rings again for what nobody heard; returns how many."""
    return leased_rows.sweep([Delivery], now)


def retry_failed(study: Study) -> int:
    """Queues the study's failed deliveries again; returns how many."""
    failed = Delivery.objects.filter(notification__study=study, state=Delivery.State.FAILED)
    return leased_rows.requeue(failed)
