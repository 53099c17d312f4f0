"""Makes a backup while the site is used: the database at one moment, then the files.

Files are written before the rows that name them and removed after them, so that every file which the moment's rows
name is there when the database has been read, unless somebody deleted a study meanwhile: that is noticed.
"""

import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from django.core.files.storage import default_storage
from django.db import DatabaseError

from survey_site.backup import archive, databases, encryption, media, workplace
from survey_site.backup.errors import BackupError
from survey_site.studies import seals
from survey_site.telemetry.lines import one_line

PURPOSE = "backup"


@dataclass(frozen=True, slots=True)
class Made:
    """A backup: its file, how many files of the storage are in it, bytes and seconds."""

    path: Path
    files: int
    size: int
    seconds: float


def make(target: Path, *, recipients: Sequence[str] = (), with_media: bool = True) -> Made:
    """Writes the backup into a new file, or into a folder under a name with the time; raises BackupError.

    recipients: public keys of age for which it is encrypted. A backup that was not finished leaves no file.
    """
    began = time.monotonic()
    keys = [encryption.recipient(text) for text in recipients]
    before = media.names() if with_media else []
    path = _path(target, encrypted=bool(keys))
    workplace.tidy(path.parent, ".saliency-survey-*.part")
    part = path.with_name(f".{path.name}.part")
    try:
        with ExitStack() as stack:
            file = stack.enter_context(_claimed(part, path))
            folder = stack.enter_context(workplace.scratch(path.parent, ".saliency-survey-dump-"))
            database = folder / databases.file_name()
            made_at = datetime.now(UTC)  # the database is as it is then, or a moment later
            databases.dump(database)
            with encryption.encrypting(file, keys) if keys else nullcontext(file) as stream:
                count = _write(stream, database, made_at, before if with_media else None)
            file.flush()
            os.fsync(file.fileno())
            part.replace(path)
    except (OSError, DatabaseError) as error:
        raise BackupError(f"The backup was not made: {one_line(error, 300)}") from error
    return Made(path, count, path.stat().st_size, time.monotonic() - began)


@contextmanager
def _claimed(part: Path, path: Path) -> Iterator[IO[bytes]]:
    """The file on its way, for this process alone; gone at the end, unless it was renamed. Raises BackupError."""
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BackupError(
                f"Another backup is just being written to {path}; wait for it, or give another name."
            ) from error
        if path.exists():  # that backup came to its end in between, and this file may be it
            raise BackupError(f"{path} is there already, and is not written over; give another name.")
        try:
            os.truncate(part, 0)
            yield file
        finally:
            part.unlink(missing_ok=True)


def _path(target: Path, *, encrypted: bool) -> Path:
    if target.is_dir():
        now = datetime.now(UTC)
        target = target / f"saliency-survey-{now:%Y%m%dT%H%M%SZ}.tar{'.age' if encrypted else ''}"
    if not target.parent.is_dir():
        raise BackupError(f"There is no folder {target.parent}; make it first.")
    if target.exists():
        raise BackupError(
            f"{target} is there already, and is not written over; give another name, or a folder."
        )
    return target.absolute()


def _write(stream: IO[bytes], database: Path, made_at: datetime, before: list[str] | None) -> int:
    """The database, then the files; `before`: those that were there before it was read, None for no files at all."""
    head = {
        "made_at": made_at.isoformat(timespec="seconds"),
        "engine": databases.engine(),
        "migrations": databases.migrations(),
        "key": seals.key_name(),
        "media": before is not None,
    }
    with archive.Writer(stream, head) as writer:
        with database.open("rb") as handle:
            writer.add(database.name, handle, database.stat().st_size)
        count = 0 if before is None else _write_media(writer, before)
        contents = archive.Contents(writer.head, writer.files, "")
        writer.finish(seals.make(PURPOSE, contents.sealed_values()))
    return count


def _write_media(writer: archive.Writer, before: list[str]) -> int:
    """Every file that is there now; raises BackupError where one of those `before` has gone."""
    names = media.names()
    gone = sorted(set(before) - set(names))
    for name in names:
        try:
            with Path(default_storage.path(name)).open("rb") as handle:
                writer.add(f"{archive.MEDIA}/{name}", handle, os.fstat(handle.fileno()).st_size)
        except FileNotFoundError:
            gone.append(name)
    if gone:
        raise BackupError(
            f"{len(gone)} files ({gone[0]} …) were removed while the backup was made, since somebody deleted a study or "
            "images: make it again."
        )
    return len(names)
