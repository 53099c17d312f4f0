"""A study with real photographs and heat maps painted over their outlines, for eyes and screenshots."""

import functools
import io

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from survey_site.demo import study

SIDE = 224


@functools.cache
def photographs() -> list[bytes]:
    """The demo's pictures out of installed packages, cropped to squares."""
    return [square(study.read(entry)) for entry in study.pictures()]


def square(data: bytes) -> bytes:
    with Image.open(io.BytesIO(data)) as image:
        fitted = ImageOps.fit(image.convert("RGB"), (SIDE, SIDE), Image.Resampling.LANCZOS)
    return encoded(fitted)


def encoded(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, format="PNG")
    return out.getvalue()


@functools.lru_cache(256)
def heat_map(photograph: bytes, seed: int, outlines: bool) -> bytes:
    """Two warm spots in the colours of jet, with or without the outlines of the photograph."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    heat = np.zeros((SIDE, SIDE))
    for _ in range(2):
        cy, cx, width = *random.uniform(0.25, 0.75, 2), random.uniform(0.1, 0.25)
        heat += np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * width**2))
    heat /= heat.max()
    channels = [np.clip(1.5 - np.abs(4 * heat - centre), 0, 1) for centre in (3, 2, 1)]
    colours = np.stack(channels, axis=-1)
    if outlines:
        with Image.open(io.BytesIO(photograph)) as image:
            edges = np.asarray(image.convert("L").filter(ImageFilter.FIND_EDGES), float) / 255
        colours = np.clip(colours + 0.6 * edges[..., None], 0, 1)
    return encoded(Image.fromarray((255 * colours).astype(np.uint8)))
