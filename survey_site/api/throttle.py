"""How much one token may ask of the API, so that a program in a loop leaves the site to the others."""

import time
from typing import Any

from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from survey_site.accounts.counting import counted
from survey_site.accounts.models import ApiToken

MINUTE_S = 60


class PerToken(BaseThrottle):
    """Counts the requests of a token, or of a session's researcher, in each minute of the clock."""

    def allow_request(self, request: Request, view: Any) -> bool:
        if isinstance(request.auth, ApiToken):
            who = f"token-{request.auth.pk}"
        elif request.user.is_authenticated:
            who = f"user-{request.user.pk}"
        else:
            return True  # gets 401, and costs no query of the study
        key = f"api-{who}-{int(time.time() // MINUTE_S)}"
        return counted(key, 2 * MINUTE_S) <= settings.API_REQUESTS_PER_MINUTE

    def wait(self) -> float:
        """Seconds until the next minute begins: what Retry-After says."""
        return MINUTE_S - time.time() % MINUTE_S
