"""Slows down who starts participants by the thousand. No address is kept: the count hangs on a keyed daily hash."""

import time

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest

from survey_site.accounts.client_address import client_address
from survey_site.trials.signed_tokens import daily_mark

HOUR_S = 3600


def too_many_starts(request: HttpRequest) -> bool:
    """Counts this start; True where its sender has used up STARTS_PER_HOUR. A laboratory shares one address."""
    sender = client_address(request)
    key = f"starts-{daily_mark(sender, str(int(time.time() // HOUR_S)))}"
    if cache.add(key, 1, HOUR_S):
        return False
    try:
        return cache.incr(key) > settings.STARTS_PER_HOUR
    except ValueError:  # the hour ended in between
        return False
