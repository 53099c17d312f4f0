"""Content-addressed files on any Django storage: written once, whole or not at all."""

import hashlib
import os
import tempfile
from pathlib import Path
from typing import IO

from django.conf import settings
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, default_storage


class AtomicFileSystemStorage(FileSystemStorage):
    """Writes beside the target and renames, so that a killed process leaves no torn file under a final name."""

    def _save(self, name: str, content: "File[bytes]") -> str:
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
    if default_storage.exists(path):
        if default_storage.size(path) == len(data):
            return path, digest
        default_storage.delete(path)
    return default_storage.save(path, ContentFile(data)), digest


def put_file(folder: str, file: IO[bytes], suffix: str) -> tuple[str, str]:
    """As `put`, of an open file of any size, which is never in memory as a whole."""
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    path = path_of(folder, digest, suffix)
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    if default_storage.exists(path):
        if default_storage.size(path) == size:
            return path, digest
        default_storage.delete(path)
    return default_storage.save(path, File(file)), digest


def get(path: str) -> bytes:
    """The bytes of a stored file; raises FileNotFoundError where the storage has none."""
    with default_storage.open(path, "rb") as handle:
        data: bytes = handle.read()
    return data
