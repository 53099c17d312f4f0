"""Pictures for the tests, made on the spot."""

import io
import zipfile

import numpy as np
from PIL import Image


def picture(seed: int = 0, size: tuple[int, int] = (40, 30), mode: str = "RGB") -> Image.Image:
    """A picture of random blocks; the same seed gives the same pixels."""
    small = np.random.default_rng(seed).integers(0, 255, (5, 5, 3), dtype=np.uint8)
    return Image.fromarray(small).resize(size, Image.Resampling.NEAREST).convert(mode)


def encoded(seed: int = 0, format: str = "PNG", size: tuple[int, int] = (40, 30), **options: object) -> bytes:
    """The bytes of such a picture in a format that Pillow writes."""
    out = io.BytesIO()
    picture(seed, size).save(out, format=format, **options)
    return out.getvalue()


def zipped(members: dict[str, bytes]) -> bytes:
    """A zip of these members."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()
