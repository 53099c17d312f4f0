"""Ends the session of a researcher who went away. Participants have none."""

import time
from collections.abc import Callable

from django.conf import settings
from django.contrib import auth
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest, HttpResponse

SEEN = "seen_at"
NOTED_EVERY_S = 60  # a write for each look would cost more than it tells


class IdleMiddleware:
    """Stands behind the sessions and before whoever asks who is signed in. What a page fetches by itself is no look."""

    def __init__(
        self, get_response: Callable[[HttpRequest], HttpResponse], clock: Callable[[], float] = time.time
    ) -> None:
        self._get_response, self._clock = get_response, clock

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.SESSION_COOKIE_NAME in request.COOKIES and SESSION_KEY in request.session:
            now, seen = self._clock(), request.session.get(SEEN)
            if seen is not None and now - seen > settings.SESSION_IDLE_MINUTES * 60:
                auth.logout(request)
            elif seen is None or (now - seen > NOTED_EVERY_S and "HX-Request" not in request.headers):
                request.session[SEEN] = int(now)
        return self._get_response(request)
