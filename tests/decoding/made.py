"""Pictures for the tests of the decoder, and the bytes of TIFFs that no program writes."""

import io
import struct

import numpy as np
from PIL import Image

from saliency_worker.decoding import decode


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(decode(data).image)


def noise(seed: int, height: int = 20, width: int = 24, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)


def deep_png(colour_type: int, channels: int) -> bytes:
    """A 20 × 16 PNG of 16 bits a channel, which Pillow cannot write."""
    import zlib

    row = b"\0" + bytes(20 * channels * 2)
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", 20, 16, 16, colour_type, 0, 0, 0)),
        (b"IDAT", zlib.compress(row * 16)),
        (b"IEND", b""),
    ]
    made = b"\x89PNG\r\n\x1a\n"
    for kind, body in chunks:
        made += struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return made


def tiff(entries: list[tuple[int, int, int, int]], rest: bytes = b"", following: int = 0) -> bytes:
    """A little-endian TIFF of one directory, its entries as (tag, type, number, value)."""
    made = b"II*\0" + struct.pack("<LH", 8, len(entries))
    made += b"".join(struct.pack("<HHLL", *entry) for entry in entries)
    return made + struct.pack("<L", following) + rest


def deep_tiff() -> bytes:
    shape = [(256, 4, 1, 16), (257, 4, 1, 16)]
    place = 8 + 2 + 12 * 9 + 4
    layout = [(258, 3, 3, place), (259, 3, 1, 1), (262, 3, 1, 2), (273, 4, 1, place + 6), (277, 3, 1, 3)]
    return tiff(
        [*shape, *layout, (278, 3, 1, 16), (279, 4, 1, 1536)], struct.pack("<3H", 16, 16, 16) + bytes(1536)
    )
