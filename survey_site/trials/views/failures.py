"""Pages for what went wrong before or beside a view. Django's own read the body, of whatever size, for a CSRF token."""

import sys
from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import loader

from survey_site.trials.views import health

API = "/api/"
DESK = ("/admin/", "/reports/", "/recruitment/")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400: the form is damaged."""
    if request.path_info.startswith(API):
        return _for_programs(400, "bad_request", "The request cannot be read.")
    return _page("400.html", 400, request)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403, in a word."""
    if request.path_info.startswith(API):
        return _for_programs(403, "permission_denied", "This is not allowed.")
    return HttpResponse("403 Forbidden\n", status=403, content_type="text/plain")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404: nothing is at this address."""
    if request.path_info.startswith(API):
        return _for_programs(
            404, "not_found", "There is nothing at this address; the addresses are in /api/schema/."
        )
    return _page("404.html", 404, request)


def failed(request: HttpRequest) -> HttpResponse:
    """500, made of the template alone: what the page needs beyond it may be what failed.

    503 while a part of the site does not work, since that is why; staff read which part, and what is wrong with it.
    """
    if broken := health.broken_parts() or health.refusing(sys.exception()):
        return _not_ready(request, broken)
    if request.path_info.startswith(API):
        return _for_programs(500, "failed", "This failed; the server's log says why.")
    return HttpResponse(loader.get_template("500.html").render(), status=500)


def _not_ready(request: HttpRequest, broken: Mapping[str, str]) -> HttpResponse:
    if request.path_info.startswith(API):
        response = _for_programs(503, "not_ready", "A part of the site does not work; /readyz says which.")
    else:
        known = broken if health.may_know(request) else {}
        desk = request.path_info.startswith(DESK)
        page = loader.get_template("503.html").render({"broken": known, "desk": desk})
        response = HttpResponse(page, status=503)
    response.headers["Retry-After"] = "10"
    return response


def _for_programs(status: int, code: str, message: str) -> HttpResponse:
    """In the shape of the API's errors, where no view of it was reached."""
    return JsonResponse({"error": {"code": code, "message": message, "fields": {}}}, status=status)


def _page(template: str, status: int, request: HttpRequest) -> HttpResponse:
    return HttpResponse(loader.get_template(template).render({}, request), status=status)
