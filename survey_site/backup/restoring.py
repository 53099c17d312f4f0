"""Restores a backup into an empty installation: everything is unpacked and checked first, and the database comes last."""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError

from survey_site.backup import archive, databases, encryption, media, workplace
from survey_site.backup.errors import BackupError
from survey_site.backup.making import PURPOSE
from survey_site.studies import seals
from survey_site.telemetry.lines import one_line


@dataclass(frozen=True, slots=True)
class Restored:
    """What came back. made_at: when the backup was made, as ISO 8601; seconds: how long it took to restore.

    known_key: whether this site has the key that sealed the rows.
    """

    made_at: str
    files: int
    seconds: float
    known_key: bool


def restore(source: Path, *, identity: Path | None = None, other_key: bool = False) -> Restored:
    """Puts the backup in the place of an empty site; raises BackupError, and then nothing is restored.

    identity: file of private keys, for an encrypted backup. other_key: the site's SECRET_KEY is lost; what the backup
    sealed is then not proved by this one, and the caller seals it anew.
    """
    try:
        return _restore(source, identity, other_key)
    except (OSError, DatabaseError) as error:
        raise BackupError(
            f"The backup was not restored, and nothing was changed: {one_line(error, 300)}"
        ) from error


def _restore(source: Path, identity: Path | None, other_key: bool) -> Restored:
    began = time.monotonic()
    if not source.is_file():
        raise BackupError(f"There is no file {source}.")
    place = _workplace()
    with _alone(place), databases.alone():
        _refuse_what_is_there()
        with workplace.scratch(place, ".saliency-survey-restore-") as folder:
            with _opened(source, identity) as stream:
                contents = archive.unpack(stream, folder)
            _refuse(contents, other_key=other_key)
            count = _put_back(contents, folder)
        _migrate()
    known = contents.head["key"] in seals.known_keys()
    return Restored(contents.head["made_at"], count, time.monotonic() - began, known)


def _migrate() -> None:
    """From the tables of the backup's version to those of this one."""
    try:
        call_command("migrate", verbosity=0, interactive=False)
    except Exception as error:
        raise BackupError(
            f"The data are restored, but not brought up to this version ({one_line(error, 300)}): run manage.py "
            "migrate, then manage.py verify."
        ) from error


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Two would take each other's files for their own. Raises BackupError where another restores into the folder."""
    folder = os.open(place, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise BackupError(databases.RESTORING) from error
    finally:
        os.close(folder)


def _refuse_what_is_there() -> None:
    if table := databases.holds():
        raise BackupError(
            f"This installation is not empty ({table} has rows): a backup is restored into a new one only, with a "
            "DATABASE_URL and a DATA_DIR of its own."
        )


def _workplace() -> Path:
    """Beside where files go, so that moving them there is renaming."""
    try:
        place = media.folder().parent
    except BackupError:
        place = Path(settings.DATA_DIR)
    place.mkdir(parents=True, exist_ok=True)
    return place


@contextmanager
def _opened(source: Path, identity: Path | None) -> Iterator[IO[bytes]]:
    """The tar's bytes, decrypted where need be."""
    encrypted = encryption.is_encrypted(source)
    if encrypted and identity is None:
        raise BackupError("This backup is encrypted: give the file of its private key by --identity.")
    with source.open("rb") as handle:
        if encrypted and identity is not None:
            keys = encryption.identities(identity)
            with encryption.decrypting(handle, keys) as stream:
                yield stream
        else:
            yield handle


def _refuse(contents: archive.Contents, *, other_key: bool) -> None:
    head = contents.head
    if head["engine"] != databases.engine():
        raise BackupError(
            f"This backup is of a database of {head['engine']}, and DATABASE_URL names one of {databases.engine()}: name "
            "one of the same kind."
        )
    if unknown := databases.unknown(head["migrations"]):
        raise BackupError(
            f"This backup was made by a later version of the program (it has {unknown[0]}): install that version first."
        )
    if head["key"] not in seals.known_keys():
        if not other_key:
            raise BackupError(
                f"This backup was made under another SECRET_KEY (its name is {head['key']}, that of the present one "
                f"{seals.key_name()}): set SECRET_KEY to that of the site, or say --other-key where it is lost."
            )
    elif seals.fault(contents.seal, PURPOSE, contents.sealed_values()):
        raise BackupError(
            "The backup was altered: its list of files is not the sealed one. Take another copy."
        )
    database = f"database.{head['engine']}"
    if database not in contents.files:
        raise BackupError(archive.MADE_BY)
    if head["media"] and (there := media.names()):
        raise BackupError(
            f"The storage is not empty (it has {there[0]}): a backup is restored into a new installation only. Where an "
            f"earlier restore was broken off, empty {media.folder()} and begin again."
        )


def _put_back(contents: archive.Contents, folder: Path) -> int:
    """Files first: until the database is there, nothing names them, and they can be taken back."""
    files = [name for name in contents.files if name.startswith(f"{archive.MEDIA}/")]
    moved: list[Path] = []
    try:
        for name in files:
            target = media.folder() / name.removeprefix(f"{archive.MEDIA}/")
            target.parent.mkdir(parents=True, exist_ok=True)
            moved.append(target)  # first: half a file would stay where the disk is full
            shutil.move(folder / name, target)
            target.chmod(settings.FILE_UPLOAD_PERMISSIONS)
        databases.load(folder / f"database.{contents.head['engine']}")
    except BaseException:
        for target in moved:
            target.unlink(missing_ok=True)
        raise
    return len(files)
