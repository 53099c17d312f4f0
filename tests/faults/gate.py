"""Stands before the object store: lets through, is away as a killed server, answers 503, or takes requests and is silent."""

import socket
import threading
from contextlib import suppress
from enum import Enum

BLOCK = 65536
BUSY = (
    b"HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nContent-Length: 87\r\nConnection: close\r\n\r\n"
    b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Reduce it.</Message></Error>\n"
)


class Mode(Enum):
    """What whoever connects meets."""

    OPEN = "open"
    AWAY = "away"
    BUSY = "answers 503"
    SILENT = "hangs"


class Gate:
    """A port of the loopback address; `behind` is the port of the store. Used as a context."""

    def __init__(self, behind: int = 0) -> None:
        self.behind, self.mode, self.port = behind, Mode.OPEN, 0
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listen()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def turn(self, mode: Mode) -> None:
        """From now on; what is open is cut off, but for a gate that falls silent, which keeps it."""
        before, self.mode = self.mode, mode
        if mode is Mode.AWAY:
            self._close_listener()
        if mode is not Mode.SILENT:
            self._cut_all()
        if before is Mode.AWAY and mode is not Mode.AWAY:
            self._listen()

    def __enter__(self) -> "Gate":
        return self

    def __exit__(self, *_: object) -> None:
        self.turn(Mode.AWAY)

    def _listen(self) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(128)
        self.port, self._listener = listener.getsockname()[1], listener
        threading.Thread(target=self._take, args=(listener,), daemon=True).start()

    def _close_listener(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes who waits in accept
        self._listener.close()

    def _cut_all(self) -> None:
        with self._lock:
            cut, self._open = self._open, set()
        for one in cut:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _take(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client = listener.accept()[0]
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with self._lock:
            self._open.add(client)
        with suppress(OSError):
            if self.mode is Mode.BUSY:
                client.recv(BLOCK)
                client.sendall(BUSY)
                client.shutdown(socket.SHUT_WR)
                while client.recv(BLOCK):  # or the rest of its request would cut the answer off
                    pass
            elif self.mode is Mode.OPEN:
                store = socket.create_connection(("127.0.0.1", self.behind), 5)
                store.settimeout(None)
                with self._lock:
                    self._open.add(store)
                threading.Thread(target=self._pass_on, args=(store, client), daemon=True).start()
                self._pass_on(client, store)
            else:  # silent: kept until the gate is turned
                return
        self._drop(client)

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(BLOCK):
                if self.mode is Mode.SILENT:
                    return  # both stay open, and nothing comes
                target.sendall(data)
        if self.mode is not Mode.SILENT:
            self._drop(target)

    def _drop(self, one: socket.socket) -> None:
        if self.mode is Mode.SILENT:
            return
        with self._lock:
            self._open.discard(one)
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()
