"""A backup as one tar: what it is (head.json), the database, the files, and last the list of all with their SHA-256.

The list ends it, so half a backup has none; it is sealed with the site's key, so a changed one is known even if its
sums were changed too.
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from survey_site.backup.errors import BackupError

FORMAT, VERSION = "saliency-survey-backup", 1
HEAD, LIST, MEDIA = "head.json", "list.json", "media"
BLOCK = 1024 * 1024
MADE_BY = "It is no backup of this program, or it was damaged on its way."
HALF = "This is half a backup: it ends before its list of files. Copy it again, or take an older one."


@dataclass(frozen=True, slots=True)
class Contents:
    """An unpacked backup. head: what it is; files: SHA-256 by name; seal: of both, by the key of the site that made it."""

    head: dict[str, Any]
    files: dict[str, str]
    seal: str

    def sealed_values(self) -> dict[str, Any]:
        return {"head": self.head, "files": self.files}


class _Hashing:
    """A readable that knows the SHA-256 of what was read."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self.sha256 = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self.sha256.update(data)
        return data


class Writer:
    """Writes a backup into a stream, file after file; nothing is in memory as a whole."""

    def __init__(self, stream: IO[bytes], head: Mapping[str, Any]) -> None:
        self._tar = tarfile.open(fileobj=stream, mode="w|", bufsize=BLOCK, format=tarfile.PAX_FORMAT)  # noqa: SIM115
        self.head = {"format": FORMAT, "version": VERSION, **head}
        self.files: dict[str, str] = {}
        self._json(HEAD, self.head)

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *error: object) -> None:
        """Lets go of the stream, which is of no use where `finish` was not reached."""
        with suppress(OSError, ValueError):
            self._tar.fileobj.close()

    def add(self, name: str, handle: IO[bytes], size: int) -> None:
        """A file of so many bytes; raises BackupError where it is shorter by now."""
        member = tarfile.TarInfo(name)
        member.size, member.mode = size, 0o600
        source = _Hashing(handle)
        try:
            self._tar.addfile(member, source)
        except OSError as error:
            raise BackupError(
                f"{name} could not be read or written ({error}); nothing was kept of this backup."
            ) from error
        self.files[name] = source.sha256.hexdigest()

    def finish(self, seal: str) -> None:
        """The list of all files with the seal of `Contents`, and the end."""
        self._json(LIST, {"files": self.files, "seal": seal})
        self._tar.close()

    def _json(self, name: str, value: Any) -> None:
        data = json.dumps(value, sort_keys=True).encode()
        member = tarfile.TarInfo(name)
        member.size, member.mode = len(data), 0o600
        self._tar.addfile(member, io.BytesIO(data))


def unpack(stream: IO[bytes], folder: Path) -> Contents:
    """Unpacks a backup into an empty folder and checks every file against the list; raises BackupError."""
    found: dict[str, str] = {}
    head: dict[str, Any] | None = None
    listed: dict[str, Any] | None = None
    begun = False
    try:
        with tarfile.open(fileobj=stream, mode="r|", bufsize=BLOCK) as tar:
            for member in tar:
                begun = begun or member.name == HEAD
                source = tar.extractfile(member) if member.isreg() else None
                if source is None or listed is not None:
                    raise BackupError(MADE_BY)
                if head is None:
                    head = _head(member, source)
                elif member.name == LIST:
                    listed = _listed(source)
                else:
                    found[member.name] = _extract(member.name, source, folder)
    except OSError as error:
        if error.errno:  # of this machine, such as a full disk
            raise BackupError(f"The backup could not be unpacked: {error}") from error
        raise BackupError(HALF if begun else MADE_BY) from error
    except (tarfile.TarError, EOFError) as error:
        raise BackupError(HALF if begun else MADE_BY) from error
    except (ValueError, RecursionError) as error:
        raise BackupError(MADE_BY) from error
    if head is None or listed is None:
        raise BackupError(HALF if begun else MADE_BY)
    return _checked(Contents(head, listed["files"], listed["seal"]), found)


def _head(member: tarfile.TarInfo, source: IO[bytes]) -> dict[str, Any]:
    """What the backup is; raises BackupError for one of another version before anything of it is unpacked."""
    head = json.load(source) if member.name == HEAD else None
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise BackupError(MADE_BY)
    if head.get("version") != VERSION:
        raise BackupError(
            f"This backup is of version {head.get('version')}, and this program reads version {VERSION}: restore it with "
            "the version of the program that made it."
        )
    migrations = head.get("migrations")
    texts = [head.get(name) for name in ("made_at", "engine", "key")]
    texts += migrations if isinstance(migrations, list) else [None]
    if not all(isinstance(text, str) for text in texts) or not isinstance(head.get("media"), bool):
        raise BackupError(MADE_BY)
    return head


def _listed(source: IO[bytes]) -> dict[str, Any]:
    """The list of files with its seal; raises BackupError for anything else."""
    listed = json.load(source)
    files = listed.get("files") if isinstance(listed, dict) else None
    if not isinstance(files, dict) or not isinstance(listed.get("seal"), str):
        raise BackupError(MADE_BY)
    return dict(listed)


def _extract(name: str, source: IO[bytes], folder: Path) -> str:
    """Writes one file below the folder, by a name that leads nowhere else; returns its SHA-256."""
    path = PurePosixPath(name)
    # `media//etc/x` is the path media/etc/x, and behind media/ it begins at the root.
    if path.is_absolute() or ".." in path.parts or str(path) != name or not path.parts:
        raise BackupError(MADE_BY)
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with target.open("xb") as handle:
        while block := source.read(BLOCK):
            digest.update(block)
            handle.write(block)
    return digest.hexdigest()


def _checked(contents: Contents, found: Mapping[str, str]) -> Contents:
    wrong = sorted(name for name in {*contents.files, *found} if contents.files.get(name) != found.get(name))
    if wrong:
        more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        raise BackupError(
            f"The backup was altered: {wrong[0]}{more} does not have the SHA-256 of the backup's list. Take another copy."
        )
    return contents
