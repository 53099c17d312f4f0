"""Before what cannot be taken back, or opens a door for others: is it still the researcher who sits there?"""

import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

FRESH_S = 15 * 60
CONFIRMED_AT = "confirmed_at"

View = Callable[..., HttpResponse]


def note(request: HttpRequest) -> None:
    """The password, and the code where there is one, were given just now."""
    request.session[CONFIRMED_AT] = int(time.time())


def is_fresh(request: HttpRequest) -> bool:
    """Whether it was confirmed a short while ago, signing in included."""
    return time.time() - request.session.get(CONFIRMED_AT, 0) < FRESH_S


def address(request: HttpRequest) -> str:
    """Where one confirms, and comes back from."""
    return f"{reverse('confirm')}?{urlencode({REDIRECT_FIELD_NAME: request.get_full_path()})}"


def asked_first(request: HttpRequest) -> HttpResponse | None:
    """The way to the question, for a signed-in researcher who has to answer it first."""
    return redirect(address(request)) if request.user.is_authenticated and not is_fresh(request) else None


def confirmed(view: View) -> View:
    """A view that is shown to who has just confirmed. Stands inside what asks who is signed in."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return asked_first(request) or view(request, *args, **kwargs)

    return guarded
