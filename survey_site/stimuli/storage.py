"""Content-addressed files on any Django storage: written once, whole or not at all."""

import hashlib
import os
import tempfile
from pathlib import Path

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


def put(folder: str, data: bytes, suffix: str) -> tuple[str, str]:
    """Stores bytes under their own SHA-256; returns (path, SHA-256). Storing the same bytes twice is free."""
    digest = sha256(data)
    path = f"{folder}/{digest[:2]}/{digest}{suffix}"
    if default_storage.exists(path):
        if default_storage.size(path) == len(data):
            return path, digest
        default_storage.delete(path)
    return default_storage.save(path, ContentFile(data)), digest


def get(path: str) -> bytes:
    """The bytes of a stored file; raises FileNotFoundError where the storage has none."""
    with default_storage.open(path, "rb") as handle:
        data: bytes = handle.read()
    return data
