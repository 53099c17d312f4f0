"""Slows down who starts participants by the thousand. No address is kept: the count hangs on a keyed daily hash."""

import time

from django.conf import settings
from django.http import HttpRequest

from survey_site.accounts.client_address import client_address, network_of
from survey_site.accounts.counting import counted
from survey_site.trials.signed_tokens import daily_mark

HOUR_S = 3600


def too_many_starts(request: HttpRequest) -> bool:
    """Counts this start; True where its sender has used up STARTS_PER_HOUR. A laboratory shares one address."""
    sender = network_of(client_address(request))
    key = f"starts-{daily_mark(sender, str(int(time.time() // HOUR_S)))}"
    return counted(key, HOUR_S) > settings.STARTS_PER_HOUR
