"""Where the object of each image is, for the pointing game: boxes out of a CSV, or a mask beside each image."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from saliency_worker.cli import inputs
from saliency_worker.cli.errors import CommandError
from saliency_worker.cli.inputs import Source
from saliency_worker.regions import BadRegion, Box, of_boxes, of_mask, read_boxes


class Regions:
    """The known regions of images, by stem. Raises CommandError for a table or folder that does not fit the images."""

    def __init__(self, option: str | None, sources: Sequence[Source]) -> None:
        """option: a CSV of boxes as of ``regions.read_boxes``; or a folder of masks, ``<stem>.png``."""
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
        size = shape[1], shape[0]
        mask, boxes = self._masks.get(source.stem), self._boxes.get(source.stem)
        try:
            if mask is not None:
                return np.asarray(of_mask(mask.read_bytes(), size)) > 0
            return None if boxes is None else np.asarray(of_boxes(boxes, size)) > 0
        except (BadRegion, OSError) as error:
            place = mask or f"{self._option}, {source.path}"
            raise CommandError(f"--regions {place}: {error}") from error


def _rows(path: Path) -> dict[str, list[Box]]:
    try:
        return read_boxes(path.read_text("utf-8-sig"))
    except OSError as error:
        raise CommandError(
            f"--regions {path}: cannot be read ({error.strerror or error}); give a CSV of boxes or a folder of masks"
        ) from error
    except UnicodeDecodeError as error:
        raise CommandError(f"--regions {path}: no CSV in UTF-8 ({error})") from error
    except BadRegion as error:
        raise CommandError(f"--regions {path}, {error}") from error
