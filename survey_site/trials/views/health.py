"""For load balancers and operators: alive, and ready with the reason where not."""

import shutil
from collections.abc import Callable

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from kombu import Connection

LEAST_FREE_BYTES = 200 * 1024 * 1024


class BrokenPart(Exception):
    """A part of the site cannot work; the message says which and why."""


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok", content_type="text/plain")


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 where database, storage and broker work, else 503; answers are refused rather than lost."""
    checks: dict[str, Callable[[], None]] = {"database": _database, "storage": _storage, "broker": _broker}
    found = {name: _outcome(check) for name, check in checks.items()}
    ready = all(outcome == "ok" for outcome in found.values())
    return JsonResponse({"ready": ready, **found}, status=200 if ready else 503)


def _outcome(check: Callable[[], None]) -> str:
    try:
        check()
    except BrokenPart as error:
        return str(error)
    except Exception as error:
        # The type alone: an exception's text may hold addresses and passwords.
        return f"failed: {type(error).__name__}"
    return "ok"


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _storage() -> None:
    name = default_storage.save("readyz/probe", ContentFile(b"ready"))
    default_storage.delete(name)
    if isinstance(default_storage, FileSystemStorage):
        free = shutil.disk_usage(default_storage.location).free
        if free < LEAST_FREE_BYTES:
            raise BrokenPart(f"only {free // 2**20} MB free; make room for {LEAST_FREE_BYTES // 2**20} MB")


def _broker() -> None:
    options = dict(settings.CELERY_BROKER_TRANSPORT_OPTIONS)
    with Connection(settings.CELERY_BROKER_URL, transport_options=options, connect_timeout=2) as client:
        client.ensure_connection(max_retries=1, timeout=3)
