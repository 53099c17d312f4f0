"""Calls the site as a server does: an environ in, a status out. Django's test client would tidy the request first."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import Client

from survey_site.malformed import RefusingMalformed
from survey_site.wsgi import application


class Answer:
    """What came back."""

    def __init__(self) -> None:
        self.status, self.headers, self.body = 0, {}, b""

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
        self.status, self.headers = int(status.split(" ", 1)[0]), dict(headers)


class Unread(io.BytesIO):
    """A body that knows how much of it was read."""

    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.taken += len(data)
        return data


def call(
    method: str,
    path: str,
    body: bytes | io.BytesIO = b"",
    *,
    query: str = "",
    content_type: str = "",
    app: RefusingMalformed = application,
    **environ: Any,
) -> Answer:
    """The answer to one request; further names go into the environ as they are."""
    stream = io.BytesIO(body) if isinstance(body, bytes) else body
    answer = Answer()
    given = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "CONTENT_TYPE": content_type,
        "CONTENT_LENGTH": str(len(stream.getvalue())) if stream.getvalue() else "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "localhost",
        "wsgi.url_scheme": "http",
        "wsgi.input": stream,
        "wsgi.errors": io.StringIO(),
        **environ,
    }
    with connections_kept():
        parts = app(given, answer.start)
        answer.body = b"".join(parts)
        if hasattr(parts, "close"):
            parts.close()
    return answer


@contextmanager
def connections_kept() -> Iterator[None]:
    """A request's end closes the database connection, which holds the test's transaction."""
    ends = (request_started, request_finished)
    for signal in ends:
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in ends:
            signal.connect(close_old_connections)


def signed_in(client: Client) -> dict[str, str]:
    """The environ of this client's session, with a token that passes the CSRF check."""
    token = "a" * 32
    session = client.cookies["sessionid"].value
    return {"HTTP_COOKIE": f"sessionid={session}; csrftoken={token}", "HTTP_X_CSRFTOKEN": token}
