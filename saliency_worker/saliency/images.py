"""Geometry and decoding: what the network sees is what people see.

Decode to 8-bit RGB with the EXIF orientation applied, crop the centre square, resize to the side of the
classifier's input (INTER_AREA when shrinking, INTER_CUBIC when enlarging).
"""

import io
import warnings

import cv2
import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, UnidentifiedImageError

from saliency_worker.saliency.errors import ImageError

MAX_PIXELS = 100_000_000
MIN_SIDE = 2
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


def decode(data: bytes) -> npt.NDArray[np.uint8]:
    """RGB uint8 (height, width, 3) of an encoded image.

    Transparency is laid over white, 16-bit grey is scaled to 8 bits, the first frame of an animation counts.
    Raises ImageError when the bytes are no readable image, or below 2x2 or above 100 megapixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data)) as image:
                _check_size(*image.size)
                image.load()
                return np.asarray(_to_rgb(_upright(image)), dtype=np.uint8)
    except UnidentifiedImageError as error:
        raise ImageError(
            "The image cannot be read (no known format): save it again as PNG or JPEG."
        ) from error
    except (ImageError, MemoryError):
        raise
    except (
        Exception
    ) as error:  # of a damaged file a decoder may raise anything (AVIF: RuntimeError, EXIF: TypeError)
        raise ImageError(f"The image cannot be read ({error}): save it again as PNG or JPEG.") from error


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise ImageError(
            f"The image has {width * height / 1e6:.0f} megapixels, over {MAX_PIXELS // 10**6}: shrink it."
        )
    if min(width, height) < MIN_SIDE:
        raise ImageError(f"The image is {width}x{height} pixels: use one of at least {MIN_SIDE}x{MIN_SIDE}.")


def _upright(image: Image.Image) -> Image.Image:
    """The picture as its EXIF orientation says.

    ImageOps.exif_transpose also writes the EXIF data anew, which fails on a tag of the wrong type in a sound photo.
    """
    turn = _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    return image if turn is None else image.transpose(turn)


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16") or image.mode == "I":
        # Pillow clips instead of scaling when it converts 16-bit grey.
        wide = np.asarray(image, dtype=np.float64)
        return Image.fromarray(np.clip(np.rint(wide / 257), 0, 255).astype(np.uint8)).convert("RGB")
    if image.mode == "F":
        raise ImageError("The image holds floating point values: save it again as 8-bit PNG.")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, rgba).convert("RGB")
    return image.convert("RGB")


def crop(rgb: npt.NDArray[np.uint8], size: int) -> npt.NDArray[np.uint8]:
    """The centre square of ``rgb`` (H, W, 3), resized to uint8 (size, size, 3).

    The larger side loses ``(larger - smaller) // 2`` pixels at its start. Raises ImageError on another shape.
    """
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
        raise ImageError(f"Expected uint8 RGB of shape (height, width, 3), not {rgb.dtype} {rgb.shape}.")
    height, width = rgb.shape[:2]
    _check_size(width, height)
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = np.ascontiguousarray(rgb[top : top + side, left : left + side])
    if side == size:
        return square
    method = cv2.INTER_AREA if side > size else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(square, (size, size), interpolation=method), dtype=np.uint8)
