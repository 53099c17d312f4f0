"""Where a researcher is signed in: told from the sessions themselves, and ended there."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.utils import timezone

from survey_site.accounts.idle import SEEN

SINCE, BROWSER = "signed_in_at", "browser"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """One session; `here`: the one that asks."""

    key: str
    browser: str
    since: datetime | None
    seen: datetime | None
    here: bool


def note(request: HttpRequest) -> None:
    """What the list shows of a session that begins."""
    request.session[SINCE] = int(time.time())
    request.session[BROWSER] = request.headers.get("User-Agent", "")[:200]


def of(user: AbstractBaseUser, here: str | None) -> list[SignedIn]:
    """The user's sessions, this one first. Reads all that run: a site has dozens of researchers, not millions."""
    return sorted(_all(user, here), key=lambda one: (not one.here, one.key))


def _all(user: AbstractBaseUser, here: str | None) -> Iterator[SignedIn]:
    for row in Session.objects.filter(expire_date__gt=timezone.now()).iterator():
        held = row.get_decoded()
        if held.get(SESSION_KEY) == str(user.pk):
            key = row.session_key
            yield SignedIn(key, held.get(BROWSER, ""), _at(held.get(SINCE)), _at(held.get(SEEN)), key == here)


def _at(seconds: int | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def end_others(user: AbstractBaseUser, here: str | None) -> int:
    """Signs the user out everywhere else; returns in how many places."""
    others = [one.key for one in of(user, here) if not one.here]
    return Session.objects.filter(pk__in=others).delete()[0]
