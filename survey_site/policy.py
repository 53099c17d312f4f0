"""Headers that keep browsers from doing what no page here asks for.

Content-Security-Policy by django-csp for the admin and the desks; participants' pages bring their own.
"""

import re
from collections.abc import Callable

from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

NOT_ASKED_FOR = (
    "accelerometer", "autoplay", "browsing-topics", "camera", "display-capture", "encrypted-media", "fullscreen",
    "geolocation", "gyroscope", "hid", "identity-credentials-get", "idle-detection", "magnetometer", "microphone", "midi",
    "payment", "picture-in-picture", "publickey-credentials-get", "screen-wake-lock", "serial", "usb", "xr-spatial-tracking",
)  # fmt: skip
HEADERS = {
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in NOT_ASKED_FOR),
    "Cross-Origin-Resource-Policy": "same-origin",
}

# The pages in the theme's clothes: its components (Alpine) keep their expressions in attributes and evaluate them. The build
# of Alpine that parses instead knows no global functions and no statements, of which the theme's shell is made.
IN_THE_THEME = re.compile(r"/(admin|recruitment)/|/reports/[^/]+/(files/)?$")
EVALUATING = {"script-src": ["'unsafe-eval'"]}


class FixedHeadersMiddleware:
    """The same headers on every answer, static files included; outermost."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response


class PolicyMiddleware(CSPMiddleware):
    """django-csp, but done at once where a page has set its policy: composing one takes 0.2 ms, header set or not."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if HEADER in response:
            return response
        if IN_THE_THEME.match(request.path_info):
            response._csp_update = EVALUATING  # type: ignore[attr-defined]
        return super().process_response(request, response)
