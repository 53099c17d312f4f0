"""Serves pictures under encrypted, expiring addresses without touching the database."""

from django.conf import settings
from django.core.files.storage import default_storage
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_safe

from survey_site.trials.signed_tokens import BadAddress, picture_path

PRESIGNED_S = 300


@require_safe
def image(request: HttpRequest, token: str) -> HttpResponse:
    """The PNG of one presentation. All headers are the same for all pictures of a protocol."""
    try:
        path = picture_path(token)
    except BadAddress as error:
        return HttpResponse(str(error), status=404, content_type="text/plain")
    response = _send(path)
    response["Cache-Control"] = "private, no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _send(path: str) -> HttpResponse:
    if settings.STORAGES["default"]["BACKEND"].endswith("S3Storage"):
        return HttpResponseRedirect(default_storage.url(path, expire=PRESIGNED_S))  # type: ignore[call-arg]
    if settings.X_ACCEL_PREFIX:
        response = HttpResponse(content_type="image/png")
        response["X-Accel-Redirect"] = f"{settings.X_ACCEL_PREFIX.rstrip('/')}/{path}"
        return response
    try:
        with default_storage.open(path, "rb") as file:
            return HttpResponse(file.read(), content_type="image/png")
    except FileNotFoundError:
        return HttpResponse("This picture is missing on the server.", status=404, content_type="text/plain")
