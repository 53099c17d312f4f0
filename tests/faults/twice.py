"""Delivers every message of the broker twice, whoever sent it: what is put into a queue is put there once more.

Redis shows its commands to whoever asks (`MONITOR`); what this connection repeats itself it knows by its own address.
"""

import re
import threading
from ast import literal_eval
from contextlib import suppress

import redis

QUEUES = (b"saliency", b"reports")
PRIORITY = b"\x06\x16"  # Celery has a list for each urgency of a queue, with its number behind this
SEEN = re.compile(rb"^\+[\d.]+ \[\d+ (\S+)\] (.*)$", re.DOTALL)
WORD = re.compile(rb'"(?:[^"\\]|\\.)*"')


def words(line: bytes) -> tuple[str, list[bytes]]:
    """Who sent the command of a line of MONITOR, and its words. Redis escapes bytes as C and Python do."""
    if not (found := SEEN.match(line.strip())):
        return "", []
    return found[1].decode(), [literal_eval("b" + text.decode("ascii")) for text in WORD.findall(found[2])]


class Twice:
    """While the block runs; `repeated` counts the messages."""

    def __init__(self, url: str) -> None:
        self._url, self.repeated = url, 0

    def __enter__(self) -> "Twice":
        self._sender = redis.Redis.from_url(self._url, single_connection_client=True)
        self._sender.ping()
        own = self._sender.connection
        assert own
        self._own = "{}:{}".format(*own._sock.getsockname())
        # Without the client's time limit: between two messages there may be any time.
        self._watch = redis.Redis.from_url(self._url, single_connection_client=True, socket_timeout=None)
        watching = self._watch.connection
        assert watching
        watching.connect()
        watching.send_command("MONITOR")
        self._lines = watching._sock.makefile("rb")
        self._thread = threading.Thread(target=self._repeat, name="twice", daemon=True)
        self._thread.start()
        return self

    def _repeat(self) -> None:
        with suppress(OSError, ValueError, redis.RedisError):
            for line in self._lines:
                sender, command = words(line)
                if sender == self._own or len(command) != 3 or command[0].upper() not in (b"LPUSH", b"RPUSH"):
                    continue
                if command[1].partition(PRIORITY)[0] in QUEUES:
                    self._sender.execute_command(*command)
                    self.repeated += 1

    def __exit__(self, *_: object) -> None:
        self._watch.close()
        self._thread.join(5)
        self._sender.close()
