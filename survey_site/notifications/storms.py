"""Mails a researcher for whose name wrong passwords come in masses: once a day, whoever guesses and from wherever.

Every worker looks, as it looks for other notifications: signing in neither waits for a mail server nor, by its time,
tells whether a name exists. Who has no address is told at the next sign-in alone.
"""

import logging
from datetime import datetime

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db.models import Sum
from django.urls import reverse
from django.utils import timezone

from survey_site.accounts.login_throttle import REMEMBERED, STORM
from survey_site.notifications import mail
from survey_site.notifications.errors import Permanent, Transient
from survey_site.studies import audit

log = logging.getLogger(__name__)
AGAIN_S = 300  # after a mail server that could not be reached
SUBJECT = "Wrong passwords for your name at {site}"
BODY = """Within a day {failures} wrong passwords or codes were given for your name “{name}” at {site}.

Nobody got in by them, and you can sign in as always: only who guesses has to wait. If that was not you, choose a new
password that you use nowhere else, and set up a second factor:

{second_factor}

You get this mail once a day at most, as long as it goes on.
"""


def tell_of_storms(now: datetime | None = None) -> int:
    """Returns how many researchers were mailed."""
    since = (now or timezone.now()) - REMEMBERED
    storms = AccessAttempt.objects.filter(attempt_time__gte=since).values("username")
    failures = {
        row["username"]: row["failures"]
        for row in storms.annotate(failures=Sum("failures_since_start")).filter(failures__gte=STORM)
    }
    attacked = get_user_model().objects.filter(username__in=failures, is_active=True).exclude(email="")
    return sum(_told(user.pk, user.username, user.email, failures[user.username]) for user in attacked)


def _told(user_id: int, name: str, address: str, failures: int) -> bool:
    key = f"storm-told-{user_id}"
    if not settings.MAIL_IS_SENT or not cache.add(key, 1, REMEMBERED.total_seconds()):
        return False
    site, link = settings.SITE_URL, settings.SITE_URL + reverse("second_factor")
    body = BODY.format(failures=failures, name=name, site=site, second_factor=link)
    try:
        mail.post(address, SUBJECT.format(site=site), body)
    except Transient as error:
        log.warning("%s could not be told of wrong passwords: %s", name, error)
        cache.set(key, 1, AGAIN_S)
        return False
    except Permanent as error:
        log.warning("%s cannot be told of wrong passwords: %s", name, error)
        return False
    audit.record_of(user_id, None, "mailed: many wrong passwords", f"{failures} for {name} within a day")
    return True
