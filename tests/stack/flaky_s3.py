"""An S3 server in this process (moto) that refuses when told to: strangers, the first requests, what is forbidden."""

import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from survey_site import environment_stores as stores

KEY = "survey"
ERROR = "<?xml version='1.0'?><Error><Code>{}</Code><Message>{}</Message></Error>"


class FlakyS3:
    """busy: so many of the next requests get 503. forbidden: methods that get 403. seen, paths: method and query, and path,
    of every request let through.
    """

    def __init__(self) -> None:
        self.busy = 0
        self.forbidden: set[str] = set()
        self.seen: list[tuple[str, str]] = []
        self.paths: list[tuple[str, str]] = []
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        shown = environ.get("HTTP_AUTHORIZATION", "") + environ["QUERY_STRING"]
        if f"Credential={KEY}" not in shown:
            return _refuse(start, "403 Forbidden", "InvalidAccessKeyId", "The key does not exist.")
        if self.busy:
            self.busy -= 1
            return _refuse(start, "503 Slow Down", "SlowDown", "Reduce your request rate.")
        if environ["REQUEST_METHOD"] in self.forbidden:
            return _refuse(start, "403 Forbidden", "AccessDenied", "Access Denied.")
        self.seen.append((environ["REQUEST_METHOD"], environ["QUERY_STRING"]))
        self.paths.append((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
        answer: Iterable[bytes] = self._moto(environ, start)
        return answer


def _refuse(start: Callable[..., Any], status: str, code: str, message: str) -> list[bytes]:
    start(status, [("Content-Type", "application/xml"), ("Connection", "close")])
    return [ERROR.format(code, message).encode()]


def point_at(settings: Any, server: FlakyS3, folder: Path, bucket: str = "survey") -> None:
    """From here on the site's files lie in the bucket."""
    given = stores.storage(f"s3://{bucket}/media?endpoint={server.url}&region=us-east-1", folder)
    settings.STORAGES = {**settings.STORAGES, "default": given}
