"""What every page for participants has in common: strict policy, no caching, clear errors."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from csp.constants import HEADER
from csp.utils import build_policy
from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext as _

from survey_site.tasks.registry import UnknownTask

log = logging.getLogger(__name__)
View = Callable[..., HttpResponse]

STRICT = {
    "default-src": ["'none'"],
    "script-src": ["'self'"],
    "style-src": ["'self'"],
    "img-src": ["'self'"],
    "connect-src": ["'self'"],
    "form-action": ["'self'"],
    "frame-ancestors": ["'none'"],
    "base-uri": ["'none'"],
}


def policy() -> dict[str, list[str]]:
    """The strict policy; pictures also come from the object store where there is one."""
    store = settings.STORAGES["default"]
    if not store["BACKEND"].endswith("S3Storage"):
        return STRICT
    endpoint = store["OPTIONS"].get("endpoint_url") or "https://*.amazonaws.com"
    return STRICT | {"img-src": [*STRICT["img-src"], endpoint]}


def participants_page(view: View) -> View:
    """No third party, no inline script, no copy in any cache; an oversized body gets a clear page."""
    header = build_policy(config=policy())

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            response = view(request, *args, **kwargs)
        except (RequestDataTooBig, TooManyFieldsSent):
            response = refusal(request, 413, "too_large", _("This was too large to be an answer."))
        except UnknownTask as error:
            log.error("%s", error)
            text = _(
                "This study cannot be shown at the moment. The answers you gave are safe; please come back later."
            )
            response = refusal(request, 503, "not_available", text)
        response[HEADER] = header
        patch_cache_control(response, private=True, no_store=True)
        response["Referrer-Policy"] = (
            "same-origin"  # “no-referrer” would void the Origin that CSRF checks need
        )
        response["X-Robots-Tag"] = "noindex"
        return response

    return guarded


def speaking(language: str) -> translation.override:
    """The participant's language; the browser's where none is stored, as after a withdrawal."""
    return translation.override(language or translation.get_language())


def wants_json(request: HttpRequest) -> bool:
    return request.headers.get("Accept", "").startswith("application/json")


def refusal(request: HttpRequest, status: int, code: str, message: str, **context: Any) -> HttpResponse:
    """A page or JSON object that says what is wrong and what to do; nothing was written."""
    if wants_json(request):
        return JsonResponse({"error": code, "message": message}, status=status)
    page = {"message": message, "code": code, **context}
    return render(request, "trials/refusal.html", page, status=status)


@participants_page
def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The start form came without its cookie; the participant's own page needs none."""
    message = _(
        "Your browser did not send the cookie that protects this form. Allow it, reload the page and try again."
    )
    return refusal(request, 403, "no_cookie", message)
