"""Uploaded pictures as stimuli: decoded within the site's limits, encoded anew without metadata."""

import io
from dataclasses import dataclass

from saliency_worker import decoding

SMALLEST_SIDE = 16


class BadPicture(ValueError):
    """An upload that cannot become a stimulus. The message says what is wrong and what to do."""


@dataclass(frozen=True)
class CleanImage:
    """An 8-bit sRGB picture as PNG bytes without metadata, upright; `notices` says what was decided on the way."""

    png: bytes
    width: int
    height: int
    notices: tuple[str, ...] = ()


def read_picture(data: bytes, *, max_bytes: int, max_pixels: int) -> CleanImage:
    """Decodes any still picture that `saliency_worker.decoding` reads. Raises BadPicture for anything else."""
    if len(data) > max_bytes:
        raise BadPicture(
            f"the file has {len(data) / 1e6:.0f} MB, more than {max_bytes / 1e6:.0f}; save it smaller"
        )
    try:
        decoded = decoding.decode(data, max_pixels=max_pixels, min_side=SMALLEST_SIDE)
    except decoding.UnreadableImage as error:
        raise BadPicture(str(error)) from error
    out = io.BytesIO()
    decoded.image.save(out, format="PNG", compress_level=6)
    return CleanImage(out.getvalue(), *decoded.image.size, decoded.notices)
