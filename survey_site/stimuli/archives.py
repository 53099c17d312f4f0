"""Reads pictures and labels out of a zip: folders are classes, a `labels.csv` overrides them. No ORM."""

import csv
import io
import lzma
import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

MAX_MEMBERS = 5000
MAX_RATIO = 200  # a picture hardly shrinks in a zip; a bomb shrinks a thousandfold
LABELS = "labels.csv"


class BadArchive(ValueError):
    """A zip that is refused whole. The message says why and what to do."""


@dataclass(frozen=True)
class Upload:
    """One file as it came: its name, its bytes and the class label it came with (or empty)."""

    name: str
    data: bytes
    stimulus_class: str = ""


def read_archive(data: bytes, *, max_total: int, max_file: int) -> list[Upload]:
    """All pictures of a zip. Raises BadArchive for a path outside, a link, a bomb, or a broken zip."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [
                info for info in archive.infolist() if not info.is_dir() and not _is_litter(info.filename)
            ]
            _check_members(members, max_total=max_total, max_file=max_file)
            return list(_read_members(archive, members, max_file=max_file))
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError) as error:
        raise BadArchive(f"the zip is damaged ({error}); make it again") from error
    except (RuntimeError, NotImplementedError) as error:
        raise BadArchive(f"the zip cannot be read ({error}); make it without a password") from error


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


def _is_litter(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return "__MACOSX" in parts or PurePosixPath(name).name in (".DS_Store", "Thumbs.db")


def _check_members(members: list[zipfile.ZipInfo], *, max_total: int, max_file: int) -> None:
    if not members:
        raise BadArchive("the zip holds no file; put the images into it")
    if len(members) > MAX_MEMBERS:
        raise BadArchive(f"the zip holds {len(members)} files, more than {MAX_MEMBERS}; split it")
    for info in members:
        path = PurePosixPath(info.filename.replace("\\", "/"))
        if not path.name or path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
            raise BadArchive(f"{info.filename!r} points outside the zip; make the zip from inside its folder")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise BadArchive(f"{info.filename!r} is a link; put the image itself into the zip")
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


def _read_members(
    archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], *, max_file: int
) -> Iterator[Upload]:
    labels: dict[str, str] = {}
    for info in members:
        if PurePosixPath(info.filename).name == LABELS:
            try:
                labels = read_labels(_read(archive, info, max_file).decode("utf-8-sig"))
            except UnicodeDecodeError as error:
                raise BadArchive(f"{LABELS} is not UTF-8 text; save it as CSV UTF-8") from error
    for info in members:
        path = PurePosixPath(info.filename)
        if path.name == LABELS:
            continue
        folder = path.parent.name
        label = labels.get(info.filename) or labels.get(path.name) or folder
        yield Upload(info.filename, _read(archive, info, max_file), label)


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, max_file: int) -> bytes:
    with archive.open(info) as handle:
        data = handle.read(max_file + 1)  # the header's size may lie
    if len(data) > max_file:
        raise BadArchive(f"{info.filename!r} is larger than its header says; make the zip again")
    return data
