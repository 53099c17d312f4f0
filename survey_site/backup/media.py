"""The files of the storage, as far as they lie in a folder: which there are, and where they go back to."""

import os
from collections.abc import Iterator
from pathlib import Path

from django.core.files.storage import FileSystemStorage, default_storage

from survey_site.backup.errors import BackupError
from survey_site.reports.prepared_files import FOLDER as PREPARED
from survey_site.stimuli.storage import MARK

PARTS = ".part-"  # files on their way, see stimuli/storage.py
NO_FOLDER = (
    "The storage is a bucket (STORAGE_URL), whose objects are the bucket's own to keep: switch its versioning on, and run "
    "this with --without-media. Afterwards manage.py verify says whether every file is there and unchanged."
)


def folder() -> Path:
    """Where the files lie; raises BackupError where they do not lie in a folder."""
    if not isinstance(default_storage, FileSystemStorage):
        raise BackupError(NO_FOLDER)
    return Path(default_storage.location)


def names() -> list[str]:
    """Every file, by its name in the storage, in order; without its mark and downloads, which are made anew."""
    return sorted(_below(folder(), ""))


def _below(place: Path, prefix: str) -> Iterator[str]:
    try:
        entries = list(os.scandir(place))
    except FileNotFoundError:
        return
    for entry in entries:
        name = f"{prefix}{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            if name != PREPARED:
                yield from _below(Path(entry.path), f"{name}/")
        elif name != MARK and not entry.name.startswith(PARTS):
            yield name
