"""A map laid over the picture that it explains, at the picture's own size. Pillow alone: desk and command line share it."""

import io

from PIL import Image

OPACITY = 0.5


def centre(width: int, height: int, shape: tuple[int, int] = (1, 1)) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the largest part of a picture, in pixels, that has the proportions of ``shape`` (height,
    width) and lies at its centre: what a network of that input sees of it."""
    tall = max(1, min(height, round(width * shape[0] / shape[1])))
    wide = max(1, min(width, round(height * shape[1] / shape[0])))
    left, top = (width - wide) // 2, (height - tall) // 2
    return left, top, left + wide, top + tall


def lay_over(
    picture: Image.Image, shown: Image.Image, *, whole: bool = False, opacity: float = OPACITY
) -> Image.Image:
    """RGB of the size of `picture`: the map `shown`, enlarged (bicubic), mixed with the part that it is of.

    picture: as decoded, its EXIF orientation applied. whole: the network saw the whole picture, squashed, instead of
    its centre in the map's proportions. opacity: share of the map, 0..1. What the network did not see stays as it is.
    """
    base = picture.convert("RGB")
    box = (0, 0, *base.size) if whole else centre(*base.size, (shown.height, shown.width))
    seen = base.crop(box)
    heat = shown.convert("RGB").resize(seen.size, Image.Resampling.BICUBIC)
    base.paste(Image.blend(seen, heat, opacity), box[:2])
    return base


def as_served(data: bytes, side: int, photo: bytes | None = None) -> Image.Image:
    """A stored picture as participants see it: RGB, `side` pixels wide and high (bicubic).

    photo: the picture over which it lies.
    """
    with Image.open(io.BytesIO(data)) as image:
        rgb = image.convert("RGB")
    if photo is not None:
        with Image.open(io.BytesIO(photo)) as below:
            rgb = lay_over(below, rgb)
    return rgb if rgb.size == (side, side) else rgb.resize((side, side), Image.Resampling.BICUBIC)


def png(image: Image.Image) -> bytes:
    """PNG without metadata."""
    stream = io.BytesIO()
    clean = Image.new("RGB", image.size)
    clean.paste(image)
    clean.save(stream, "PNG", compress_level=6)
    return stream.getvalue()
