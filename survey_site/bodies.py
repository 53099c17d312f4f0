"""How large a body may be and whether it can be read, decided before Django, CSRF or a view reads it.

Everybody may send a form; only signed-in researchers may send files, and only to the pages that take them. Otherwise
whoever finds the log-in page could fill the disk through it.
"""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.utils.translation import gettext as _

from survey_site.desk.pages.reconciliation import MOST_BYTES as MOST_SUBMISSIONS
from survey_site.trials.views.guards import participants_page, refusal

MEGABYTE = 1024 * 1024
FORM_AROUND = MEGABYTE  # the other fields of a form, and what separates its parts
# What a parser of bodies raises for bytes of a wrong kind, or where the sender left (rsgi.py), beside the errors that
# Django turns into 400 itself.
UNREADABLE = (LookupError, ValueError, RecursionError, UnreadablePostError)


def most_bytes(view_name: str, researcher: bool) -> int:
    """The largest body that this page takes from this sender."""
    pages = upload_pages()
    if researcher and view_name in pages:
        return pages[view_name] + FORM_AROUND
    return settings.DATA_UPLOAD_MAX_MEMORY_SIZE


def upload_pages() -> dict[str, int]:
    """The pages that take files, and how many bytes of them. `deploy/nginx.conf.template` knows them too."""
    uploads = settings.MAX_UPLOAD_MB * settings.ARCHIVE_TIMES * MEGABYTE
    return {
        "admin:studies_study_add": uploads,
        "admin:study_from_file": uploads,
        "admin:study_images": uploads,
        "admin:study_upload-maps": uploads,
        "admin:study_models": settings.MAX_MODEL_MB * MEGABYTE,
        "api-stimuli": uploads,
        "api-regions": uploads,
        "reconciliation": MOST_SUBMISSIONS,
    }


class BodyMiddleware:
    """413 for what is too large, unread; 400 for a form that cannot be read."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        """Stands before the CSRF check, which reads the body of any POST."""
        name = request.resolver_match.view_name if request.resolver_match else ""
        length = request.META.get("CONTENT_LENGTH") or "0"
        small = length.isdecimal() and int(length) <= settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        if not small:
            most = most_bytes(name, _is_researcher(request, name))
            if not length.isdecimal() or int(length) > most:
                return _too_large(request, name, most)
        # REST framework asks who sends before it reads; its parsers' errors are its own.
        if request.method == "POST" and not name.startswith("api-"):
            _read(request)
        return None


def _is_researcher(request: HttpRequest, name: str) -> bool:
    """Signed in, or with a token, which the API looks at before it reads the body."""
    if name.startswith("api-") and "HTTP_AUTHORIZATION" in request.META:
        return True
    return bool(request.user.is_authenticated and getattr(request.user, "is_staff", False))


def _read(request: HttpRequest) -> None:
    try:
        _ = request.POST
    except UNREADABLE as error:
        raise BadRequest("The form cannot be read.") from error


def _too_large(request: HttpRequest, name: str, most: int) -> HttpResponse:
    if name.startswith("api-"):
        message = f"This was too large; at most {most // 1024} KiB are taken here."
        body = {"error": {"code": "too_large", "message": message, "fields": {}}}
        return JsonResponse(body, status=413)
    return _page(request, most)


@participants_page
def _page(request: HttpRequest, most: int) -> HttpResponse:
    if most <= settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        message = _("This was too large to be an answer.")
    else:
        message = _("This was too large: at most %d MB are taken in one upload. Split it.") % (
            most // MEGABYTE
        )
    return refusal(request, 413, "too_large", message)
