"""Where the object of an image is, for the pointing game: boxes out of a CSV, or a mask. Pillow and the standard library."""

import csv
import io

from PIL import Image, ImageDraw, UnidentifiedImageError

HEAD = ("file", "left", "top", "right", "bottom")
Box = tuple[int, int, int, int]
Size = tuple[int, int]


class BadRegion(ValueError):
    """A table or a mask that gives no region. The message says what is wrong with it and what to do."""


def read_boxes(text: str) -> dict[str, list[Box]]:
    """The boxes of each name in a CSV with the columns of HEAD (that row may be left out), in the order of the rows.

    In pixels of the upright image; right and bottom are not inside. Several rows give several boxes. Raises BadRegion.
    """
    try:
        rows = [row for row in csv.reader(io.StringIO(text)) if any(map(str.strip, row))]
    except csv.Error as error:
        raise BadRegion(f"no CSV ({error}); write {','.join(HEAD)} in each row") from error
    if rows and tuple(cell.strip().lower() for cell in rows[0][:5]) == HEAD:
        rows = rows[1:]
    found: dict[str, list[Box]] = {}
    for number, row in enumerate(rows, start=1):
        try:
            name, (left, top, right, bottom) = row[0].strip(), map(int, row[1:5])
        except ValueError:
            raise BadRegion(f"row {number}: write {','.join(HEAD)} in each row, in whole pixels") from None
        if not (name and 0 <= left < right and 0 <= top < bottom):
            raise BadRegion(
                f"row {number}: {left},{top},{right},{bottom} is no box; left is before right, top above bottom, none "
                "negative, and a file is named"
            )
        found.setdefault(name, []).append((left, top, right, bottom))
    return found


def of_boxes(boxes: list[Box], size: Size) -> Image.Image:
    """A mask (mode L, 255 inside) of a picture of that width and height. Raises BadRegion for a box that reaches out."""
    mask = Image.new("L", size)
    draw = ImageDraw.Draw(mask)
    for left, top, right, bottom in boxes:
        if right > size[0] or bottom > size[1]:
            raise BadRegion(
                f"the box {left},{top},{right},{bottom} reaches out of the image, which is {size[0]}x{size[1]}"
            )
        draw.rectangle((left, top, right - 1, bottom - 1), fill=255)
    return mask


def of_mask(data: bytes, size: Size) -> Image.Image:
    """A mask file as a mask (mode L, 255 where it is not black) of a picture of that width and height.

    Raises BadRegion for what is no PNG, of another size, or black everywhere.
    """
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as opened:
            if opened.size != size:  # before it is unpacked, which a few bytes may ask gigabytes for
                raise BadRegion(
                    f"it is {opened.size[0]}x{opened.size[1]}, its image {size[0]}x{size[1]}; give the mask of the "
                    "image's own size"
                )
            mask = opened.convert("L").point([0] + [255] * 255)
    except (OSError, SyntaxError, ValueError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        if isinstance(error, BadRegion):
            raise
        raise BadRegion(
            "no mask that can be read; give a PNG that is not black where the object is"
        ) from error
    if mask.getbbox() is None:
        raise BadRegion("the mask is black everywhere; it is not black where the object is")
    return mask
