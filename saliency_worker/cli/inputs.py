"""Which images a command works on: files, folders and globs, each under one stem."""

import glob
import hashlib
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from saliency_worker import decoding
from saliency_worker.cli.errors import CommandError
from saliency_worker.saliency.errors import SaliencyError

SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp", ".dib"}
    | {".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".avif", ".jp2"}
)
# Files that mark a folder as one that `explain` or `evaluate` writes, finished or not.
RESULTS = ("manifest.json", ".manifest.jsonl", "evaluation.json", ".evaluation.jsonl")
RESERVED = frozenset({"", ".", "..", *RESULTS})


@dataclass(frozen=True)
class Source:
    """One input image: where it is and the stem its results are filed under."""

    path: Path
    stem: str


def names(source: Source) -> tuple[str, ...]:
    """How a table may name an image, the least exact last."""
    return source.stem, source.path.name, source.path.as_posix()


def expand(arguments: Sequence[str]) -> list[Source]:
    """Turn files, folders (searched in depth) and globs into sources, sorted within each argument.

    A folder or a glob contributes the files whose suffix is an image's; a file named outright is taken
    whatever its suffix. A file reached twice counts once.

    Raises:
        CommandError: nothing matches, or two images have one stem (results would overwrite each other).
    """
    found: dict[Path, Path] = {}
    for argument in arguments:
        for path in _matches(argument):
            found.setdefault(Path(os.path.normpath(path.absolute())), path)
    by_stem: dict[str, Path] = {}
    for path in found.values():
        # Compared without case: on macOS and Windows `a` and `A` are one folder.
        other = by_stem.setdefault(path.stem.casefold(), path)
        if other != path:
            raise CommandError(
                f"two images have one stem, '{path.stem}': {other} and {path}. Rename one of them, "
                f"or explain them into different --out folders"
            )
        if path.stem in RESERVED:
            raise CommandError(
                f"{path}: results cannot be filed under the name '{path.stem}'; rename the image"
            )
    return [Source(path, path.stem) for path in found.values()]


def _matches(argument: str) -> list[Path]:
    path = Path(argument)
    if path.is_file():
        return [path]
    if path.is_dir():
        inside = sorted(_images_below(path))
        if not inside:
            raise CommandError(
                f"{argument}: no image in this folder (looked for {', '.join(sorted(SUFFIXES))})"
            )
        return inside
    if glob.has_magic(argument):
        hits = sorted(Path(hit) for hit in glob.glob(argument, recursive=True))  # noqa: PTH207 (a user's own pattern)
        files = [hit for hit in hits if hit.is_file() and _is_image(hit)]
        if not files:
            raise CommandError(f"{argument}: no image matches this pattern")
        return files
    raise CommandError(f"{argument}: no such file or folder")


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES


def _images_below(folder: Path) -> Iterator[Path]:
    """Images in depth, without hidden files and without what an earlier run wrote (`--out` among the images)."""
    for place, folders, files in os.walk(folder):
        folders[:] = [f for f in folders if not f.startswith(".") and not _holds_results(Path(place, f))]
        yield from (Path(place, name) for name in files if not name.startswith(".") and _is_image(Path(name)))


def _holds_results(folder: Path) -> bool:
    return any((folder / name).exists() for name in RESULTS)


def read_bytes(source: Source) -> bytes:
    """The stored bytes of an image. Raises CommandError where the file cannot be read."""
    try:
        return source.path.read_bytes()
    except OSError as error:
        raise CommandError(f"{source.path}: cannot be read ({error.strerror})") from error


def sha256(data: bytes) -> str:
    """SHA-256 of stored image bytes, hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def load(source: Source) -> tuple[str, np.ndarray]:
    """(SHA-256 of the stored bytes, uint8 RGB). Raises CommandError naming the file."""
    data = read_bytes(source)
    return sha256(data), np.asarray(_decoded(source, data).image, dtype=np.uint8)


def _decoded(source: Source, data: bytes) -> decoding.DecodedImage:
    try:
        return decoding.decode(data)
    except decoding.UnreadableImage as error:
        raise CommandError(f"{source.path}: {error}") from error
    except MemoryError as error:
        raise CommandError(f"{source.path}: too large for the memory of this machine") from error


def is_refusal(error: BaseException) -> bool:
    """Whether an error is the engine's own one-line refusal."""
    return isinstance(error, SaliencyError)


def check(sources: Iterable[Source]) -> dict[str, str]:
    """Decode every image once and forget it: a bad one is named before anything is computed or written.

    Returns the SHA-256 of each image's stored bytes by stem. What was decided in decoding goes to standard error.
    """
    hashes = {}
    for source in sources:
        data = read_bytes(source)
        for notice in _decoded(source, data).notices:
            sys.stderr.write(f"{source.path}: {notice}\n")
        hashes[source.stem] = sha256(data)
    return hashes
