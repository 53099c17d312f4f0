"""Files that no row names: left over where a process died between a file and its row, or a deletion could not reach it.

A file is written before its row. So what was written lately is left alone, and whoever stores bytes that are there already
writes them anew where they are not young (`stimuli.storage.put`): a file that somebody is about to name is never old.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from django.core.files.storage import default_storage
from django.utils import timezone

from survey_site.protocols import stored_files
from survey_site.stimuli.storage import RENEWED_AFTER

FOLDERS = ("stimuli", "maps", "served", "models", "previews")
"""Where rows keep files. Prepared downloads have a sweep of their own; whatever else lies there is not this program's."""
LEAST_AGE = 2 * RENEWED_AFTER


@dataclass(frozen=True, slots=True)
class UnusedFile:
    """A stored file that no row names, with its size in bytes and when it was written."""

    path: str
    size: int
    written: datetime


def unused(older_than: timedelta, now: datetime | None = None) -> Iterator[UnusedFile]:
    """Every file that no row names and that was written longer ago than this, folder by folder.

    Raises ValueError for an age under LEAST_AGE.
    """
    if older_than < LEAST_AGE:
        hours = LEAST_AGE // timedelta(hours=1)
        raise ValueError(f"Files younger than {hours} hours may be about to be named; ask for older ones.")
    before = (now or timezone.now()) - older_than
    for folder in FOLDERS:
        files = _files(folder)
        while some := list(islice(files, stored_files.BATCH)):
            for path in stored_files.unused(some):
                written = _written(path)
                if written is not None and written < before:
                    yield UnusedFile(path, default_storage.size(path), written)


def remove(file: UnusedFile) -> bool:
    """Deletes the file, unless it was written anew or named since it was found."""
    if _written(file.path) != file.written:
        return False
    return bool(stored_files.remove_unused([file.path]))


def _written(path: str) -> datetime | None:
    """When the file was written; None where it is gone."""
    try:
        return default_storage.get_modified_time(path) if default_storage.exists(path) else None
    except FileNotFoundError:
        return None


def _files(folder: str) -> Iterator[str]:
    """Every file below a folder."""
    try:
        folders, names = default_storage.listdir(folder)
    except FileNotFoundError:
        return
    yield from (f"{folder}/{name}" for name in sorted(names) if name)
    for below in sorted(folders):
        yield from _files(f"{folder}/{below}")
