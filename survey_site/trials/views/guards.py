"""What every page for participants has in common: strict policy, no caching, clear errors."""

import logging
from collections.abc import Callable
from functools import lru_cache, wraps
from http.cookies import Morsel
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
from django.views.decorators.csrf import csrf_protect

from survey_site.recruitment import embedding
from survey_site.tasks.registry import UnknownTask

log = logging.getLogger(__name__)
View = Callable[..., HttpResponse]

FRAMES = "saliency_survey.frames"  # in the request: who may show its answer inside their pages
# Known to http.cookies from Python 3.14 on.
Morsel._reserved.setdefault("partitioned", "Partitioned")  # type: ignore[attr-defined]
Morsel._flags.add("partitioned")  # type: ignore[attr-defined]

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


@lru_cache(maxsize=64)
def _policy_header(frames: tuple[str, ...]) -> str:
    ancestors = {"frame-ancestors": ["'self'", *frames]} if frames else {}
    return build_policy(config=policy() | ancestors)


def allow_frames(request: HttpRequest, origins: str | None) -> None:
    """Lets the sites named (by the study's recruitment) show what answers this request inside their pages."""
    request.META[FRAMES] = embedding.origins(origins or "")


def _framed(response: HttpResponse) -> None:
    """Cookies that browsers send inside another site's page too, kept apart for each such site."""
    response.xframe_options_exempt = True  # the policy says it better
    if not settings.BEHIND_HTTPS:
        return  # such cookies exist over HTTPS only; the pages work without
    for cookie in response.cookies.values():
        cookie["samesite"], cookie["secure"], cookie["partitioned"] = "None", True, True


def of_own_page(view: View) -> View:
    """`csrf_protect`, but a browser that says where the form comes from needs no cookie: those may be blocked.

    Every browser of today sends `Origin` with a form, and no page can forge it.
    """
    protected = csrf_protect(view)

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        own = f"{request.scheme}://{request.get_host()}"
        if request.headers.get("Origin") in (own, *settings.CSRF_TRUSTED_ORIGINS):
            request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]
        return protected(request, *args, **kwargs)

    return guarded


def participants_page(view: View) -> View:
    """No third party, no inline script, no copy in any cache; an oversized body gets a clear page."""

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
        frames = request.META.get(FRAMES, ())
        response[HEADER] = _policy_header(frames)
        if frames:
            _framed(response)
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
