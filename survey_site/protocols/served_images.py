"""The pictures as participants receive them: one pixel size, one format, one byte length, random names.

Neither a file's name nor its length nor its encoder tells what it shows (docs/study-design.md).
"""

import io
import os
import secrets
import struct
import tempfile
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db.models import QuerySet
from PIL import Image

from saliency_worker import overlay
from survey_site.protocols.models import Protocol, ServedImage
from survey_site.protocols.shown_maps import ORIGINAL, ShownMap
from survey_site.stimuli import storage
from survey_site.studies.models import Study

CHUNK_OVERHEAD = 12  # length, type and CRC of a PNG chunk
LENGTH_STEP = 4096
TOLD_EVERY = 20  # pictures between two words on how far it is
Told = Callable[[float, str], None]


def nobody(fraction: float, label: str) -> None:
    """Hears how far something is, and tells it nobody."""


def served(protocol: Protocol) -> QuerySet[ServedImage]:
    """The pictures of a seal, which are those of all seals of its measurement."""
    return ServedImage.objects.filter(protocol__measurement=protocol.measurement_id)


def common_size(study: Study, paths: Sequence[str]) -> int:
    """The side in pixels at which all pictures are served: the study's, or the largest there is."""
    if study.image_px:
        return study.image_px
    sides = [1]
    for path in paths:
        with Image.open(io.BytesIO(storage.get(path))) as image:
            sides.append(max(image.size))
    return max(sides)


def photos_below(study: Study, maps: Sequence[ShownMap]) -> list[str]:
    """For each map the stored original over which trials show it; empty where it is shown as it is."""
    if not study.overlay:
        return [""] * len(maps)
    originals = {(m.stimulus_id, m.classifier): m.path for m in maps if m.method == ORIGINAL}
    return ["" if m.method == ORIGINAL else originals.get((m.stimulus_id, m.classifier), "") for m in maps]


def encode(data: bytes, side: int, photo: bytes | None = None) -> bytes:
    """Any picture as 8-bit RGB PNG of side × side pixels, without metadata, by one encoder.

    photo: the picture over which it lies.
    """
    return overlay.png(overlay.as_served(data, side, photo))


def pad(png: bytes, length: int) -> bytes:
    """The PNG with a private chunk of random bytes before its end, `length` bytes in all."""
    body, end = png[:-CHUNK_OVERHEAD], png[-CHUNK_OVERHEAD:]
    filler = os.urandom(length - len(png) - CHUNK_OVERHEAD)
    kind = b"paDd"
    chunk = struct.pack(">I", len(filler)) + kind + filler + struct.pack(">I", zlib.crc32(kind + filler))
    return body + chunk + end


def common_length(longest: int) -> int:
    """The byte length that fits the longest picture and its padding chunk."""
    return -(-(longest + CHUNK_OVERHEAD) // LENGTH_STEP) * LENGTH_STEP


class ServedFile(NamedTuple):
    """A stored file: its random path, and the SHA-256 of its bytes, padding included."""

    path: str
    sha256: str


def write_files(
    paths: Sequence[str], side: int, photos: Sequence[str] = (), told: Told = nobody
) -> list[ServedFile]:
    """Stores one served file for each picture; takes them back on failure.

    photos: as of `photos_below`, for each picture; none: all are shown as they are. told: hears how far it is.
    """
    written: dict[int, ServedFile] = {}
    below = photos or [""] * len(paths)
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(4) as threads:

        def encode_one(item: tuple[int, str]) -> int:
            photo = below[item[0]]
            png = encode(storage.get(item[1]), side, storage.get(photo) if photo else None)
            (Path(folder) / str(item[0])).write_bytes(png)
            return len(png)

        longest = 0
        for index, size in enumerate(threads.map(encode_one, enumerate(paths)), start=1):
            longest = max(longest, size)
            if index % TOLD_EVERY == 0:
                told(0.8 * index / len(paths), f"{index} / {len(paths)}")
        length = common_length(longest)
        try:
            # In no order that tells what they show: an object store says of each file when it was written.
            for done, index in enumerate(secrets.SystemRandom().sample(range(len(paths)), len(paths))):
                if done % TOLD_EVERY == 0:
                    told(0.8 + 0.2 * done / len(paths), f"{done} / {len(paths)}")
                name = f"served/{secrets.token_hex(2)}/{secrets.token_hex(20)}.png"
                padded = pad((Path(folder) / str(index)).read_bytes(), length)
                path = default_storage.save(name, ContentFile(padded))
                written[index] = ServedFile(path, storage.sha256(padded))
        except BaseException:
            remove_files(list(written.values()))
            raise
    return [written[index] for index in range(len(paths))]


def remove_files(files: Sequence[ServedFile]) -> None:
    """Deletes served files whose protocol was not sealed."""
    for file in files:
        default_storage.delete(file.path)
