"""Where the object of each image is, for the pointing game: boxes out of a CSV, or a mask beside each image."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from saliency_worker.cli import inputs
from saliency_worker.cli.errors import CommandError
from saliency_worker.cli.inputs import Source

HEAD = ("file", "left", "top", "right", "bottom")
Box = tuple[int, int, int, int]


class Regions:
    """The known regions of images, by stem. Raises CommandError for a table or folder that does not fit the images."""

    def __init__(self, option: str | None, sources: Sequence[Source]) -> None:
        """option: a CSV with the columns of HEAD, in pixels of the upright image, right and bottom not inside, several rows
        for several boxes; or a folder of masks, ``<stem>.png``, not black where the object is."""
        self._option = option
        self._boxes: dict[str, list[Box]] = {}
        self._masks: dict[str, Path] = {}
        if option is None:
            return
        if Path(option).is_dir():
            known = {path.stem: path for path in sorted(Path(option).glob("*.png"))}
            self._masks = {source.stem: known[source.stem] for source in sources if source.stem in known}
        else:
            rows = _rows(Path(option))
            self._boxes = {s.stem: rows[name] for s in sources for name in inputs.names(s) if name in rows}
        if not self._boxes and not self._masks:
            raise CommandError(f"--regions {option}: it holds no box and no mask of any of the images")

    def digest(self, source: Source) -> str:
        """What an image's region depends on, as a SHA-256; "" where none is known."""
        if source.stem in self._masks:
            return inputs.sha256(self._masks[source.stem].read_bytes())
        boxes = self._boxes.get(source.stem)
        return inputs.sha256(repr(boxes).encode()) if boxes else ""

    def fact(self, source: Source) -> dict[str, str]:
        """The same for a record, nothing where none is known."""
        found = self.digest(source)
        return {"region": found} if found else {}

    def of(self, source: Source, shape: tuple[int, int]) -> np.ndarray | None:
        """Bool (H, W) of an image of that height and width, None where nothing is known of it."""
        if source.stem in self._masks:
            return self._mask(self._masks[source.stem], shape)
        if source.stem not in self._boxes:
            return None
        region = np.zeros(shape, np.bool_)
        for left, top, right, bottom in self._boxes[source.stem]:
            if right > shape[1] or bottom > shape[0]:
                raise CommandError(
                    f"--regions {self._option}: the box {left},{top},{right},{bottom} reaches out of {source.path}, which "
                    f"is {shape[1]}x{shape[0]}"
                )
            region[top:bottom, left:right] = True
        return region

    @staticmethod
    def _mask(path: Path, shape: tuple[int, int]) -> np.ndarray:
        try:
            with Image.open(path) as opened:
                found = np.asarray(opened.convert("L")) > 0
        except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
            raise CommandError(f"--regions {path}: no mask that can be read ({error})") from error
        if found.shape != shape:
            raise CommandError(
                f"--regions {path}: it is {found.shape[1]}x{found.shape[0]}, its image {shape[1]}x{shape[0]}"
            )
        return found


def _rows(path: Path) -> dict[str, list[Box]]:
    try:
        rows = [
            row for row in csv.reader(io.StringIO(path.read_text("utf-8-sig"))) if any(map(str.strip, row))
        ]
    except OSError as error:
        raise CommandError(
            f"--regions {path}: cannot be read ({error.strerror or error}); give a CSV of boxes or a folder of masks"
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise CommandError(f"--regions {path}: no CSV in UTF-8 ({error})") from error
    if rows and tuple(cell.strip().lower() for cell in rows[0][:5]) == HEAD:
        rows = rows[1:]
    found: dict[str, list[Box]] = {}
    for number, row in enumerate(rows, start=1):
        try:
            name, (left, top, right, bottom) = row[0].strip(), map(int, row[1:5])
        except ValueError:
            raise CommandError(
                f"--regions {path}, row {number}: write {','.join(HEAD)} in each row, in whole pixels"
            ) from None
        if not (name and 0 <= left < right and 0 <= top < bottom):
            raise CommandError(
                f"--regions {path}, row {number}: {left},{top},{right},{bottom} is no box; left is before right, top above "
                "bottom, none negative"
            )
        found.setdefault(name, []).append((left, top, right, bottom))
    return found
