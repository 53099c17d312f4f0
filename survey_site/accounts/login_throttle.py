"""Slows down who guesses passwords and codes, and nobody else.

Wrong ones are counted for a name *and* a sender: a storm from elsewhere never keeps the right person out. They are also
counted for a sender alone, whatever the names. The wait doubles with each further one. Who signs in is told of a storm.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.helpers import get_client_username
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib import messages
from django.db.models import Max, QuerySet, Sum
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import ngettext

from survey_site.accounts import confirmation, sessions
from survey_site.accounts.client_address import marked
from survey_site.accounts.obliged import demanded
from survey_site.studies import audit

FIRST_WAIT = timedelta(seconds=15)
REMEMBERED = timedelta(hours=24)
STORM = 20  # wrong ones for one name, wherever they come from, that its owner is told of


@dataclass(frozen=True, slots=True)
class Rule:
    """So many wrong ones cost nothing; from then on each doubles the wait, up to `longest`."""

    free: int
    longest: timedelta

    def wait(self, failures: int) -> timedelta:
        if failures < self.free:
            return timedelta(0)
        doublings = min(failures - self.free, 20)
        return min(FIRST_WAIT * 2**doublings, self.longest)


# A laboratory shares one address: many mistakes there slow everybody, but shortly.
FOR_NAME_AND_SENDER = Rule(settings.AXES_FAILURE_LIMIT, timedelta(hours=1))
FOR_SENDER = Rule(20, timedelta(minutes=5))


def waits_until(rows: QuerySet[AccessAttempt], rule: Rule) -> datetime | None:
    """Until when whoever these failures are of has to wait; None where nothing is remembered of them."""
    since = timezone.now() - REMEMBERED
    told = rows.filter(attempt_time__gte=since).aggregate(
        failures=Sum("failures_since_start"), last=Max("attempt_time")
    )
    last: datetime | None = told["last"]
    return last + rule.wait(told["failures"] or 0) if last else None


def is_waiting(username: str | None, sender: str, now: datetime | None = None) -> bool:
    """Whether this sender may not try this name at the moment."""
    own = AccessAttempt.objects.filter(ip_address=sender)
    moments = (
        waits_until(own.filter(username=username), FOR_NAME_AND_SENDER),
        waits_until(own, FOR_SENDER),
    )
    return any(moment is not None and (now or timezone.now()) < moment for moment in moments)


def forget(username: str, request: HttpRequest) -> None:
    """For who has shown everything that is asked for: their own mistakes no longer count."""
    AccessAttempt.objects.filter(username=username, ip_address=marked(request)).delete()


class Handler(AxesDatabaseHandler):
    """django-axes keeps the failures; who has to wait is decided here."""

    def get_failures(self, request: Any, credentials: dict[str, Any] | None = None) -> int:
        """axes compares this with its limit."""
        name = get_client_username(request, credentials)
        return settings.AXES_FAILURE_LIMIT if is_waiting(name, request.axes_ip_address) else 0

    def user_logged_in(self, sender: Any, request: Any, user: Any, **kwargs: Any) -> None:
        name = user.get_username()
        if not demanded(user):
            forget(name, request)
        super().user_logged_in(sender, request, user, **kwargs)
        confirmation.note(request)
        sessions.note(request)
        _tell(request, user)
        audit.record_of(user.pk, None, "signed in", f"{name} from {marked(request)}")

    def user_logged_out(self, sender: Any, request: Any, user: Any, **kwargs: Any) -> None:
        super().user_logged_out(sender, request, user, **kwargs)
        if user is not None:
            audit.record_of(user.pk, None, "signed out", user.get_username())


def _tell(request: HttpRequest, user: Any) -> None:
    """The alarm: whoever was attacked learns it at the door, and superusers from the audit log."""
    name = user.get_username()
    rows = AccessAttempt.objects.filter(username=name, attempt_time__gte=timezone.now() - REMEMBERED)
    failures = rows.aggregate(n=Sum("failures_since_start"))["n"] or 0
    if failures < STORM:
        return
    text = ngettext(
        "%d wrong password or code was given for your name within a day, from elsewhere. If that was not you, choose a "
        "new password and set up a second factor.",
        "%d wrong passwords or codes were given for your name within a day, from elsewhere. If that was not you, choose a "
        "new password and set up a second factor.",
        failures,
    )
    messages.warning(request, text % failures, fail_silently=True)
    audit.record_of(user.pk, None, "many wrong passwords", f"{failures} for {name} within a day")
