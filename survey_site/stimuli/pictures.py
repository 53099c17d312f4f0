"""Decodes uploaded pictures and re-encodes them without metadata. Pure functions of bytes (Pillow)."""

import io
import warnings
from dataclasses import dataclass

from PIL import ExifTags, Image, UnidentifiedImageError

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF", "PPM")
SMALLEST_SIDE = 16
# Value of the EXIF orientation to what turns the picture upright.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class BadPicture(ValueError):
    """An upload that cannot become a stimulus. The message says what is wrong and what to do."""


@dataclass(frozen=True)
class CleanImage:
    """An 8-bit RGB picture as PNG bytes without metadata, EXIF orientation applied."""

    png: bytes
    width: int
    height: int


def read_picture(data: bytes, *, max_bytes: int, max_pixels: int) -> CleanImage:
    """Decodes any still picture of `FORMATS` into 8-bit RGB; transparency is laid on white.

    Raises BadPicture for anything else: not a picture, truncated, animated, too large, too small.
    """
    if not data:
        raise BadPicture("the file is empty; upload it again")
    if len(data) > max_bytes:
        raise BadPicture(
            f"the file has {len(data) / 1e6:.0f} MB, more than {max_bytes / 1e6:.0f}; save it smaller"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of big pictures; the cap below refuses them
            image = Image.open(io.BytesIO(data), formats=FORMATS)
            _check_header(image, max_pixels)
            image.load()
            rgb = _to_rgb(_upright(image))
    except BadPicture:
        raise
    except UnidentifiedImageError as error:
        raise BadPicture(f"this is not a picture; use one of {', '.join(FORMATS)}") from error
    except Image.DecompressionBombError as error:
        raise BadPicture(f"more than {max_pixels / 1e6:.0f} megapixels; scale it down") from error
    except MemoryError:
        raise
    except Exception as error:  # of a damaged file a decoder may raise anything
        raise BadPicture(f"the picture is damaged or cut off ({error}); export it again") from error
    out = io.BytesIO()
    rgb.save(out, format="PNG", compress_level=6)
    return CleanImage(out.getvalue(), rgb.width, rgb.height)


def _check_header(image: Image.Image, max_pixels: int) -> None:
    width, height = image.size
    if width * height > max_pixels:
        megapixels = width * height / 1e6
        raise BadPicture(f"{megapixels:.0f} megapixels, more than {max_pixels / 1e6:.0f}; scale it down")
    if min(width, height) < SMALLEST_SIDE:
        raise BadPicture(f"only {width}×{height} pixels; at least {SMALLEST_SIDE}×{SMALLEST_SIDE} are needed")
    if getattr(image, "n_frames", 1) > 1:
        raise BadPicture("the picture is animated or has several pages; save one frame as a still picture")


def _upright(image: Image.Image) -> Image.Image:
    """The picture as its EXIF orientation says.

    ImageOps.exif_transpose also writes the EXIF data anew, which fails on a tag of the wrong type in a sound photo.
    """
    turn = _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    return image if turn is None else image.transpose(turn)


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode in ("I;16", "I;16B", "I;16L", "I"):
        # 16 bits a channel: keep the upper eight, as viewers do; Pillow's own conversion would clip at 255.
        image = image.convert("I").point(lambda value: value / 257).convert("L")
    if "A" in image.getbands() or "transparency" in image.info:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        image = Image.alpha_composite(white, rgba)
    rgb = image.convert("RGB")
    clean = Image.new("RGB", rgb.size)
    clean.paste(rgb)  # a fresh image carries no profile, comment or other metadata into the file
    return clean
