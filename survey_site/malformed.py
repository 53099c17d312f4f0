"""What a request must be before anything reads it: 4xx where Django, or the database, would fail with a 500.

Looked at outside Django, since some of it fails while Django makes its request, where no error handler is reached.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote_to_bytes

from django.utils.http import parse_header_parameters

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

_BOUNDARY = re.compile(r"[ -~]{0,200}[!-~]")  # what Django's parser takes
LONGEST_NUMBER = 19  # digits: beyond, Python itself refuses at some length
_UTF8 = {"utf-8", "utf8"}


@dataclass(frozen=True, slots=True)
class Malformed:
    """Why a request is refused, for whoever wrote the program that sent it."""

    status: HTTPStatus
    message: str


def problem(given: Mapping[str, Any]) -> Malformed | None:
    """What is wrong with the request's line and headers; None where they can be read. Reads no body."""
    for name, value in given.items():
        if isinstance(value, str) and (name.startswith("HTTP_") or name in _FROM_OUTSIDE):
            try:
                value.encode("latin-1")
            except UnicodeEncodeError:
                return Malformed(HTTPStatus.BAD_REQUEST, "The address or a header holds bytes that none may.")
    if "\0" in given.get("PATH_INFO", "") or b"\0" in unquote_to_bytes(given.get("QUERY_STRING", "")):
        return Malformed(HTTPStatus.BAD_REQUEST, "The address holds a NUL, which no address here has.")
    length = given.get("CONTENT_LENGTH") or "0"
    if not (length.isascii() and length.isdecimal() and len(length) < LONGEST_NUMBER):
        return Malformed(HTTPStatus.BAD_REQUEST, "Content-Length is no number of bytes.")
    return _content_type_problem(given.get("CONTENT_TYPE") or "")


_FROM_OUTSIDE = {
    "PATH_INFO",
    "QUERY_STRING",
    "CONTENT_TYPE",
    "CONTENT_LENGTH",
    "REQUEST_METHOD",
    "SCRIPT_NAME",
}


def _content_type_problem(header: str) -> Malformed | None:
    try:
        kind, parameters = parse_header_parameters(header)
    except (ValueError, LookupError):
        return Malformed(HTTPStatus.BAD_REQUEST, "The header Content-Type cannot be read.")
    charset = parameters.get("charset", "utf-8")
    if charset.lower() not in _UTF8:
        return Malformed(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send text in UTF-8; other charsets are not read."
        )
    if kind.startswith("multipart/") and not _BOUNDARY.fullmatch(parameters.get("boundary", "")):
        return Malformed(HTTPStatus.BAD_REQUEST, "Content-Type names no boundary of the parts.")
    return None


class RefusingMalformed:
    """A WSGI application that answers malformed requests itself and hands on all others."""

    def __init__(self, application: Application) -> None:
        self._application = application

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        found = problem(environ)
        if found is None:
            return self._application(environ, start_response)
        body = f"{found.message}\n".encode()
        headers = [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
        ]
        start_response(f"{found.status.value} {found.status.phrase}", headers)
        return [body]
