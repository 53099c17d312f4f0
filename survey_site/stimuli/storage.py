"""Content-addressed files on any Django storage: written once, whole or not at all, and never beside the storage.

A disk or network folder that is not mounted leaves an empty folder in its place. What were written there would be
gone once it is mounted again, with rows that name it: so nothing is written into an empty folder that should have files.
"""

import hashlib
import os
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import IO

from django.apps import apps
from django.conf import settings
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import connection
from django.utils import timezone

MARK = ".survey-storage"
RENEWED_AFTER = timedelta(hours=12)
"""A file that nobody names may be tidied away when it is older than that; one about to be named must not look so."""


class StorageRefuses(OSError):
    """The storage does not do what it is asked; the message says why, and what to do."""


class StorageAway(StorageRefuses):
    """The folder is empty, although the database names files in it."""


class AtomicFileSystemStorage(FileSystemStorage):
    """Writes beside the target and renames, so that a killed process leaves no torn file under a final name."""

    def claim(self) -> None:
        """Marks the folder as the site's, once; a marked one is written to. Raises StorageAway."""
        mark = Path(self.location) / MARK
        if mark.exists():
            return
        if self.is_away():
            raise StorageAway(
                f"{self.location} is empty, but the database names files in it: mount its disk again. "
                f"If they are gone for good, make a file {MARK} there."
            )
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()

    def is_away(self) -> bool:
        """Whether files should be there and nothing is. A folder of an earlier version has files and no mark yet."""
        folder = Path(self.location)
        if folder.is_dir() and any(folder.iterdir()):
            return False
        stimuli = apps.get_model("stimuli", "Stimulus").objects
        is_new = stimuli.model._meta.db_table not in connection.introspection.table_names()
        return not is_new and bool(stimuli.exclude(path="").exists())

    def renew(self, name: str) -> bool:
        """Makes a stored file as young as one that is written now; False where it is gone."""
        try:
            os.utime(self.path(name))
        except FileNotFoundError:
            return False
        return True

    def _save(self, name: str, content: "File[bytes]") -> str:
        self.claim()
        target = Path(self.path(name))
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=".part-")
        try:
            with os.fdopen(descriptor, "wb") as handle:
                for chunk in content.chunks():
                    handle.write(chunk)
                handle.flush()
                os.fsync(handle.fileno())
            Path(temporary).chmod(settings.FILE_UPLOAD_PERMISSIONS)
            Path(temporary).replace(target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        return name


def look() -> None:
    """Raises StorageRefuses where the storage has a look of its own and is not to be reached."""
    getattr(default_storage, "look", lambda: None)()


def claim() -> None:
    """To be called before rows that name files are written ahead of the files. Raises StorageAway."""
    if isinstance(default_storage, AtomicFileSystemStorage):
        default_storage.claim()


def sha256(data: bytes) -> str:
    """Hexadecimal SHA-256 of the bytes."""
    return hashlib.sha256(data).hexdigest()


def path_of(folder: str, digest: str, suffix: str) -> str:
    """Where bytes of this SHA-256 lie."""
    return f"{folder}/{digest[:2]}/{digest}{suffix}"


def put(folder: str, data: bytes, suffix: str) -> tuple[str, str]:
    """Stores bytes under their own SHA-256; returns (path, SHA-256). Storing the same bytes twice is free."""
    digest = sha256(data)
    path = path_of(folder, digest, suffix)
    if _is_there(path, len(data)):
        return path, digest
    return default_storage.save(path, ContentFile(data)), digest


def put_file(folder: str, file: IO[bytes], suffix: str) -> tuple[str, str]:
    """As `put`, of an open file of any size, which is never in memory as a whole."""
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    path = path_of(folder, digest, suffix)
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    if _is_there(path, size):
        return path, digest
    return default_storage.save(path, File(file)), digest


def _is_there(path: str, size: int) -> bool:
    """Whether these bytes need not be written. A file of another size goes; one that is not young is written anew."""
    if not default_storage.exists(path):
        return False
    if default_storage.size(path) != size:
        default_storage.delete(path)
        return False
    if isinstance(default_storage, AtomicFileSystemStorage):
        return default_storage.renew(path)
    return bool(default_storage.get_modified_time(path) > timezone.now() - RENEWED_AFTER)


def get(path: str) -> bytes:
    """The bytes of a stored file; raises FileNotFoundError where the storage has none."""
    with default_storage.open(path, "rb") as handle:
        data: bytes = handle.read()
    return data
