"""A server of the site that can be stopped and started again on its port."""

import socketserver
import threading
from types import TracebackType
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.handlers.wsgi import WSGIHandler
from django.db import connections


class ThreadingServer(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True
    allow_reuse_address = True

    def process_request_thread(self, request: object, client_address: object) -> None:
        super().process_request_thread(request, client_address)  # type: ignore[arg-type]
        connections.close_all()


class QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


class RestartableServer:
    """Runs in a thread and shares the test's database."""

    def __init__(self) -> None:
        self._port = 0
        self._server: WSGIServer | None = None

    @property
    def url(self) -> str:
        return f"http://localhost:{self._port}"

    def start(self) -> None:
        application = StaticFilesHandler(WSGIHandler())
        self._server = make_server("localhost", self._port, application, ThreadingServer, QuietHandler)
        self._port = self._server.server_port
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        ).start()

    def stop(self) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def __enter__(self) -> "RestartableServer":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
