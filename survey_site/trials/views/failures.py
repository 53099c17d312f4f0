"""Pages for what went wrong before or beside a view. Django's own read the body, of whatever size, for a CSRF token."""

from django.http import HttpRequest, HttpResponse
from django.template import loader


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400: the form is damaged."""
    return _page("400.html", 400, request)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403, in a word."""
    return HttpResponse("403 Forbidden\n", status=403, content_type="text/plain")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404: nothing is at this address."""
    return _page("404.html", 404, request)


def failed(request: HttpRequest) -> HttpResponse:
    """500, made of the template alone: what the page needs beyond it may be what failed."""
    return HttpResponse(loader.get_template("500.html").render(), status=500)


def _page(template: str, status: int, request: HttpRequest) -> HttpResponse:
    return HttpResponse(loader.get_template(template).render({}, request), status=status)
