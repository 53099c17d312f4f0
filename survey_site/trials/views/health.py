"""For load balancers and operators: alive, and ready with the reason where not."""

import errno
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.core.cache import caches
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import DatabaseError, Error, InterfaceError, OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from kombu import Connection

from survey_site.accounts import tokens
from survey_site.stimuli import storage
from survey_site.stimuli.storage import AtomicFileSystemStorage, StorageRefuses
from survey_site.trials import triggers

LEAST_FREE_BYTES = 200 * 1024 * 1024
KEEP_SECONDS = 5  # however often it is asked, the parts are looked at so often at most
MOST_SECONDS = 10  # for which anybody waits for another's look, or believes the one before
PARTS = ("database", "storage", "broker", "cache")  # in the order in which they are looked at
SILENT = f"no answer for {MOST_SECONDS} seconds"
NOT_KNOWN = "not looked at, since a part before it does not answer"
OF_DISKS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO, errno.ESTALE}
OF_SQLITE = {"BUSY", "LOCKED", "FULL", "IOERR", "CANTOPEN", "READONLY", "CORRUPT", "NOTADB"}
# Lost connections, a standby's refusal to write, no room, shutting down, a failing disk, damaged files.
OF_POSTGRES = ("08", "25006", "53", "57P", "58", "XX001", "XX002")
OF_LIBRARIES = {  # by name: a site without Redis does not load its client
    "kombu.exceptions.OperationalError": "broker",
    "redis.exceptions.ConnectionError": "cache",
    "redis.exceptions.TimeoutError": "cache",
    "redis.exceptions.ReadOnlyError": "cache",
    "redis.exceptions.OutOfMemoryError": "cache",
    "redis.exceptions.NoPermissionError": "cache",
}


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
    """200 where database, storage and broker work, else 503; answers are refused rather than lost.

    Which part is broken and why is told to signed-in staff, and to programs with a token of one.
    """
    found = LOOKS.outcome()
    ready = all(outcome == "ok" for outcome in found.values())
    details = found if may_know(request) else {}
    return JsonResponse({"ready": ready, **details}, status=200 if ready else 503)


class Looks:
    """Keeps for a moment what the last look found. While one looks, the others are told what it found the last time: a part
    that is silent holds one thread, not all of them. What is older than MOST_SECONDS nobody is told.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._found: dict[str, str] = {}
        self._until = 0.0
        self._met: dict[str, str] = {}  # by the look that is under way
        self._began: float | None = None

    def outcome(self) -> dict[str, str]:
        """What each part says: "ok", or why it cannot work."""
        known = bool(self._found) and self._clock() < self._until + MOST_SECONDS
        if not self._lock.acquire(timeout=0 if known else self._patience()):
            return self._found if known else self._so_far()
        try:
            if not self._found or self._clock() >= self._until:
                self._look()
            return self._found
        finally:
            self._lock.release()

    def _patience(self) -> float:
        """Seconds for which the look that is under way is waited for."""
        began = self._began
        return MOST_SECONDS if began is None else max(0.0, began + MOST_SECONDS - self._clock())

    def _look(self) -> None:
        self._met, self._began = {}, self._clock()
        try:
            for name, check in zip(PARTS, (_database, _storage, _broker, _cache), strict=True):
                self._met[name] = _outcome(check)
        finally:
            self._began = None
        self._found, self._until = self._met, self._clock() + KEEP_SECONDS

    def _so_far(self) -> dict[str, str]:
        """What the look that is under way has met; of the part that it waits for, that it is silent."""
        told = dict(self._met)
        for name in PARTS[len(told) :]:
            told[name] = NOT_KNOWN if SILENT in told.values() else SILENT
        return told

    def forget(self) -> None:
        """The next one looks anew."""
        self._found = {}


LOOKS = Looks()


def broken_parts() -> dict[str, str]:
    """Part → what is wrong, of those that do not work at the moment."""
    return {part: found for part, found in LOOKS.outcome().items() if found != "ok"}


def refusing(error: BaseException | None) -> dict[str, str]:
    """The part by which a page failed, as its error says: a look writes nothing, and misses a right that is lacking.

    Of the errors before it those alone that it names as its cause: what merely fails while another is handled is a mistake.
    """
    while error is not None:
        if isinstance(error, StorageRefuses):
            return {"storage": str(error)}
        if isinstance(error, OSError) and error.errno in OF_DISKS:
            return {"storage": _named(error)}
        if isinstance(error, Error) and _of_the_database(error):
            return {"database": _named(error)}
        if part := _of_a_library(error):
            return {part: _named(error)}
        error = error.__cause__
    return {}


def _of_the_database(error: Error) -> bool:
    """Whether the database is what fails, and not the statement: drivers have one type for both, and codes that tell."""
    told = error.__cause__
    if isinstance(told, sqlite3.Error):
        return getattr(told, "sqlite_errorname", "").removeprefix("SQLITE_").partition("_")[0] in OF_SQLITE
    if code := getattr(told, "sqlstate", None):
        return code.startswith(OF_POSTGRES)
    return isinstance(error, OperationalError | InterfaceError)  # a connection that broke has no code


def _of_a_library(error: BaseException) -> str | None:
    names = [f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__]
    if "redis.exceptions.ResponseError" in names and str(error).startswith("MISCONF "):
        return "cache"  # it cannot write to its disk, and says so in this way alone
    return next((OF_LIBRARIES[name] for name in names if name in OF_LIBRARIES), None)


def may_know(request: HttpRequest) -> bool:
    try:
        kind, _, key = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() in ("token", "bearer"):
            token = tokens.find(key.strip())
            return token is not None and not token.ended(timezone.now()) and _is_staff(token.user)
        return settings.SESSION_COOKIE_NAME in request.COOKIES and _is_staff(request.user)
    except DatabaseError:  # where people are looked up in what is broken, nobody is known
        return False


def _is_staff(user: object) -> bool:
    return bool(getattr(user, "is_active", False) and getattr(user, "is_staff", False))


def _outcome(check: Callable[[], None]) -> str:
    try:
        check()
    except (BrokenPart, StorageRefuses) as error:
        return str(error)
    except Exception as error:
        return _named(error)
    return "ok"


def _named(error: BaseException) -> str:
    """By its type, and what the system says of it: an exception's own text may hold addresses and passwords."""
    said = f" ({error.strerror})" if isinstance(error, OSError) and error.strerror else ""
    return f"failed: {type(error).__name__}{said}"


def _database() -> None:
    """Answers, and has every table of this version. One of a later version has them too: migrations only grow."""
    if missing := unapplied():
        raise BrokenPart(
            f"{len(missing)} migrations are not applied, first {missing[0]}; run manage.py migrate"
        )
    if not triggers.exists():
        raise BrokenPart("the trigger that keeps the ledger of answers is gone; run manage.py migrate")


def unapplied() -> list[str]:
    """Migrations that the database lacks, in the order in which they would be applied."""
    return list(_lacking(frozenset(MigrationRecorder(connection).applied_migrations())))


@lru_cache(maxsize=2)
def _lacking(applied: frozenset[tuple[str, str]]) -> tuple[str, ...]:
    """Planned anew only when what is applied has changed: reading all migrations takes a moment."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return tuple(f"{migration.app_label}.{migration.name}" for migration, _ in plan)


def _storage() -> None:
    """Looks, and writes nothing: whoever asks must not be able to make the disk work."""
    if not isinstance(default_storage, FileSystemStorage):
        storage.look()
        return
    if isinstance(default_storage, AtomicFileSystemStorage) and default_storage.is_away():
        raise BrokenPart("the media folder is empty, but the database names files in it; mount its disk")
    folder = Path(default_storage.location)
    while not folder.exists():  # it is made by the first file
        folder = folder.parent
    if not os.access(folder, os.W_OK | os.X_OK):
        raise BrokenPart("the media folder cannot be written; give it to the site's user")
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE_BYTES:
        raise BrokenPart(f"only {free // 2**20} MB free; make room for {LEAST_FREE_BYTES // 2**20} MB")


def _cache() -> None:
    """Of files there is nothing to look at that the storage does not say."""
    look: Callable[[], None] = getattr(caches["default"], "look", lambda: None)
    look()


def _broker() -> None:
    options = dict(settings.CELERY_BROKER_TRANSPORT_OPTIONS)
    with Connection(settings.CELERY_BROKER_URL, transport_options=options, connect_timeout=2) as client:
        client.ensure_connection(max_retries=1, timeout=3)
