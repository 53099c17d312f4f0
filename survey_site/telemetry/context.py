"""What every line of the log says beside its message: which request or task, of which study and participant's code.

No name, address, external id, token or path of a participant is put here; codes are made at random by the site.
"""

import logging
import re
import secrets
import time
from collections.abc import Callable
from typing import Any

import structlog
from celery import signals
from django.conf import settings
from django.http import HttpRequest, HttpResponse

requests = logging.getLogger("survey_site.requests")
HEADER = "X-Request-ID"
_GIVEN = re.compile(r"[A-Za-z0-9-]{8,64}")


def bind(**values: str) -> None:
    """Adds to the lines of this request or task from here on."""
    structlog.contextvars.bind_contextvars(**values)


class ContextMiddleware:
    """A number for each request: the front server's (`X-Request-ID`), or a new one. Failures carry it in their headers."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        number = given if _GIVEN.fullmatch(given) else secrets.token_hex(8)
        structlog.contextvars.clear_contextvars()
        bind(request_id=number)
        began = time.perf_counter()
        try:
            response = self._get_response(request)
            if settings.LOG_REQUESTS:
                ms = round(1000 * (time.perf_counter() - began))
                requests.info("%s %d in %d ms", request.method, response.status_code, ms)
        finally:
            structlog.contextvars.clear_contextvars()
        if response.status_code >= 500:
            response.headers[HEADER] = number
        return response

    def process_view(
        self, request: HttpRequest, view: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        """The study, where the address names one; and the view, since an address may be a participant's credential."""
        match = request.resolver_match
        bind(view=match.view_name if match else "")
        if isinstance(kwargs.get("slug"), str):
            bind(study=kwargs["slug"])


@signals.before_task_publish.connect
def send_along(headers: dict[str, Any] | None = None, **_: object) -> None:
    """A task carries the number of the request that asked for it."""
    number = structlog.contextvars.get_contextvars().get("request_id")
    if headers is not None and number:
        headers["request_id"] = number


@signals.task_prerun.connect
def begin(task_id: str = "", task: Any = None, **_: object) -> None:
    structlog.contextvars.clear_contextvars()
    bind(task=task.name, task_id=task_id)
    if number := getattr(task.request, "request_id", None):
        bind(request_id=str(number))


@signals.task_postrun.connect
def end(**_: object) -> None:
    structlog.contextvars.clear_contextvars()
