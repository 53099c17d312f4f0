"""Reads pictures and labels out of a zip: folders are classes, a `labels.csv` overrides them. No ORM.

A zip comes from outside. Its directory is judged before anything is unpacked, and members are read one at a time, so that
neither a bomb nor five thousand honest pictures fill the memory.
"""

import csv
import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

Source = bytes | Path | IO[bytes]  # an open file belongs to whoever opened it

MAX_MEMBERS = 5000
MAX_RATIO = 200  # a picture hardly shrinks in a zip; a bomb shrinks a thousandfold
MOST_AT_ONCE = 2 * 1024 * 1024  # 400 bytes of directory for each of 5000 members
LOCAL_HEADER = 30  # bytes before a member's name
PLAIN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # others may ask for gigabytes to unpack a kilobyte
LABELS = "labels.csv"
# What zipfile raises for bytes that are no zip: its own error, and whatever its struct, seek and decode meet.
DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    OverflowError,
    LookupError,
)


class BadArchive(ValueError):
    """A zip that is refused whole. The message says why and what to do."""


@dataclass(frozen=True)
class Upload:
    """One file as it came: its name, its bytes or where they lie, and the class label it came with (or empty)."""

    name: str
    data: Source
    stimulus_class: str = ""

    def read(self, at_most: int) -> bytes:
        """The bytes; one more than `at_most` where there are more, so that the caller sees it."""
        with opened_source(self.data) as file:
            return file.read(at_most + 1)


def opened_source(source: Source) -> AbstractContextManager[IO[bytes]]:
    """The bytes as a file, at its beginning; closed at the end where it is opened here."""
    if isinstance(source, bytes):
        return io.BytesIO(source)
    if isinstance(source, Path):
        return source.open("rb")
    source.seek(0)
    return nullcontext(source)


class Archive:
    """An open zip that has passed every check of its directory; its members are read one at a time."""

    def __init__(self, file: zipfile.ZipFile, members: Sequence[zipfile.ZipInfo], max_file: int) -> None:
        self._file, self._max_file = file, max_file
        self.members: dict[str, Any] = {info.filename: info for info in members}

    def read(self, name: str) -> bytes:
        """A member's bytes; BadArchive where it cannot be unpacked."""
        with _in_words(), self._file.open(self.members[name]) as handle:
            data = handle.read(self._max_file + 1)  # the header's size may lie
        if len(data) > self._max_file:
            raise BadArchive(f"{name!r} is larger than its header says; make the zip again")
        return data


class FolderArchive(Archive):
    """A folder of this machine, read as a zip of it would be. Hidden files and links are left out."""

    def __init__(self, folder: Path, max_file: int) -> None:
        self._max_file = max_file
        files = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())
        named = ((path.relative_to(folder), path) for path in files)
        self.members = {
            name.as_posix(): path
            for name, path in named
            if not any(part.startswith(".") for part in name.parts)
        }

    def read(self, name: str) -> bytes:
        """A file's bytes; BadArchive where it cannot be read or is too large."""
        try:
            with self.members[name].open("rb") as handle:
                data: bytes = handle.read(self._max_file + 1)
        except OSError as error:
            raise BadArchive(f"{name!r} cannot be read ({error.strerror})") from error
        if len(data) > self._max_file:
            raise BadArchive(f"{name!r} has more than {self._max_file / 1e6:.0f} MB")
        return data


@contextmanager
def opened(source: Source, *, max_total: int, max_file: int) -> Iterator[Archive]:
    """A zip whose directory was judged. Raises BadArchive for a path outside, a link, a bomb, or a broken zip.

    A folder's path is read in the same way; its files are on this machine already, so that no total holds for them.
    """
    if isinstance(source, Path) and source.is_dir():
        yield FolderArchive(source, max_file)
        return
    with opened_source(source) as file:
        with _in_words():
            archive = zipfile.ZipFile(_Sipped(file))
            members = [info for info in archive.infolist() if not _is_no_file(info)]
        with archive:
            _check_members(members, max_total=max_total, max_file=max_file)
            _check_places(archive)
            yield Archive(archive, members, max_file)


def read_archive(source: Source, *, max_total: int, max_file: int) -> Iterator[Upload]:
    """All pictures of a zip, one after the other; the labels are read first. Raises BadArchive on the way."""
    with opened(source, max_total=max_total, max_file=max_file) as archive:
        labels = _labels(archive)
        for name in archive.members:
            path = PurePosixPath(name)
            if path.name != LABELS:
                label = labels.get(name) or labels.get(path.name) or path.parent.name
                yield Upload(name, archive.read(name), label)


def read_labels(text: str) -> dict[str, str]:
    """`file,class` rows of a CSV (with or without that header) as {file name: class}."""
    try:
        rows = [row for row in csv.reader(io.StringIO(text)) if row and row[0].strip()]
    except csv.Error as error:
        raise BadArchive(f"the labels are no CSV ({error}); write file,class in each row") from error
    if rows and [cell.strip().lower() for cell in rows[0][:2]] == ["file", "class"]:
        rows = rows[1:]
    for number, row in enumerate(rows, start=1):
        if len(row) < 2 or not row[1].strip():
            raise BadArchive(f"row {number} of the labels has no class; write file,class in each row")
    return {row[0].strip(): row[1].strip() for row in rows}


class _Sipped(io.RawIOBase):
    """A file of which nobody gets more than a little at once.

    zipfile reads the whole directory in one go, as long as the file says it is: a gigabyte of entries would become
    ten gigabytes of objects. A directory that is cut short is refused as damaged.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int = -1) -> bytes:
        return self._file.read(MOST_AT_ONCE if size < 0 else min(size, MOST_AT_ONCE))


@contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except BadArchive:
        raise
    except DAMAGE as error:
        raise BadArchive(f"the zip is damaged ({error}); make it again") from error
    except (RuntimeError, NotImplementedError) as error:
        raise BadArchive(f"the zip cannot be read ({error}); make it without a password") from error


def _is_no_file(info: zipfile.ZipInfo) -> bool:
    """Folders, and what desktops put beside the files."""
    path = PurePosixPath(info.filename)
    return info.is_dir() or "__MACOSX" in path.parts or path.name in (".DS_Store", "Thumbs.db")


def _check_members(members: list[zipfile.ZipInfo], *, max_total: int, max_file: int) -> None:
    if not members:
        raise BadArchive("the zip holds no file; put the images into it")
    if len(members) > MAX_MEMBERS:
        raise BadArchive(f"the zip holds {len(members)} files, more than {MAX_MEMBERS}; split it")
    seen: set[str] = set()
    for info in members:
        if info.filename in seen:
            raise BadArchive(
                f"{info.filename!r} stands twice in the zip, and only one could be read; make the zip again"
            )
        seen.add(info.filename)
        path = PurePosixPath(info.filename.replace("\\", "/"))
        if not path.name or path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
            raise BadArchive(f"{info.filename!r} points outside the zip; make the zip from inside its folder")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise BadArchive(f"{info.filename!r} is a link; put the image itself into the zip")
        if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
            raise BadArchive(f"{info.filename!r} is no ordinary file; put the image itself into the zip")
        if info.compress_type not in PLAIN:
            raise BadArchive(f"{info.filename!r} is packed in an unusual way; make the zip with its defaults")
        if info.file_size > max_file:
            raise BadArchive(
                f"{info.filename!r} has {info.file_size / 1e6:.0f} MB, more than {max_file / 1e6:.0f}"
            )
        if info.file_size > MAX_RATIO * max(info.compress_size, 1) and info.file_size > 1_000_000:
            raise BadArchive(
                f"{info.filename!r} unpacks to {info.file_size / 1e6:.0f} MB out of almost nothing"
            )
    total = sum(info.file_size for info in members)
    if total > max_total:
        raise BadArchive(
            f"the zip unpacks to {total / 1e6:.0f} MB, more than {max_total / 1e6:.0f}; split it"
        )


def _check_places(archive: zipfile.ZipFile) -> None:
    """Each member has bytes of its own: shared ones make a gigabyte of members out of a few kilobytes."""
    free = 0
    for info in sorted(archive.infolist(), key=lambda info: info.header_offset):
        if info.header_offset < 0:
            raise BadArchive(f"{info.filename!r} lies outside the zip; make it again")
        if info.header_offset < free:
            raise BadArchive(f"{info.filename!r} overlaps with another file of the zip; make it again")
        free = info.header_offset + LOCAL_HEADER + info.compress_size
    if free > archive.start_dir:
        raise BadArchive("the zip's directory points outside its files; make it again")


def _labels(archive: Archive) -> dict[str, str]:
    labels: dict[str, str] = {}
    for name in archive.members:
        if PurePosixPath(name).name == LABELS:
            try:
                labels = read_labels(archive.read(name).decode("utf-8-sig"))
            except UnicodeDecodeError as error:
                raise BadArchive(f"{LABELS} is not UTF-8 text; save it as CSV UTF-8") from error
    return labels
