"""Writing so that a reader, a crash or a full disk never meets half a file."""

import errno
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from saliency_worker.cli.errors import CommandError

NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def write_atomically(path: Path, data: bytes) -> None:
    """Replace `path` by `data` in one step: readers see the old file or the new one.

    Raises CommandError where the disk is full or the place cannot be written; nothing is left behind.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".partial")
    except OSError as error:
        raise write_error(path, error) from error
    partial = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.chmod(0o666 & ~_umask())
        partial.replace(path)
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        partial.unlink(missing_ok=True)


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Put all `files` (name → content) into `folder`, or none of them where it does not exist yet.

    They are written beside it and moved in one rename. Where the folder exists already, each file is
    replaced in one step and what else lies there stays.

    Raises CommandError where the disk is full or the place cannot be written; nothing is left behind.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".", suffix=".partial"))
    except OSError as error:
        raise write_error(folder, error) from error
    try:
        for name, data in files.items():
            (partial / name).write_bytes(data)
        partial.chmod(0o777 & ~_umask())
        if folder.exists():
            for name in files:
                (partial / name).replace(folder / name)
        else:
            partial.replace(folder)
    except OSError as error:
        raise write_error(folder, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def remove_partials(folder: Path) -> None:
    """Clear what a killed run left: hidden names that end in `.partial`. Only under the run's lock."""
    for left in folder.glob(".*.partial"):
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


def write_error(path: Path, error: OSError) -> CommandError:
    """One line that says what to do about a failed write."""
    if error.errno in NO_SPACE:
        return CommandError(
            f"{path}: no space left ({error.strerror}); free some and run the same command again, "
            f"what is complete is kept"
        )
    return CommandError(f"{path}: cannot be written ({error.strerror or error}); choose another --out folder")


def _umask() -> int:
    value = os.umask(0)
    os.umask(value)
    return value
