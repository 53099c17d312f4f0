"""The receipt is shown once, to the browser that finished: whoever finds the personal link later cannot erase the answers.

A signed cookie says that it is due. It is set by the answer that ends the study and taken back with the page that shows
the receipt: should that page get lost on its way, the cookie is still there. Nothing is written by looking.
"""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

NAME, SALT, LIFETIME_S = "receipt", "saliency-survey receipt", 3600


def in_frame(request: HttpRequest) -> bool:
    """Whether the page is shown inside another site's, where cookies may not come back: the answer itself shows it then."""
    return request.headers.get("Sec-Fetch-Dest") in ("iframe", "frame")


def promise(response: HttpResponse, token: str) -> None:
    """The next look at the participant's page shows the receipt."""
    response.set_signed_cookie(
        NAME,
        token,
        salt=SALT,
        max_age=LIFETIME_S,
        path=reverse("resume", args=[token]),
        secure=settings.BEHIND_HTTPS,
        httponly=True,
        samesite="Lax",
    )


def is_due(request: HttpRequest, token: str) -> bool:
    """Whether this browser finished a moment ago and has not seen the receipt."""
    return bool(request.get_signed_cookie(NAME, "", salt=SALT, max_age=LIFETIME_S) == token)


def shown(response: HttpResponse, token: str) -> None:
    """It was shown in this response."""
    response.delete_cookie(NAME, path=reverse("resume", args=[token]), samesite="Lax")
