"""The stored pictures of a study as observers see them: as they are served, and what must be said of those that are not
there."""

import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from saliency_worker import observer_kinds, overlay
from saliency_worker.catalog import BASES
from saliency_worker.observer_kinds import OTHER_CAM
from saliency_worker.observers.views import Picture
from survey_site.stimuli import storage
from survey_site.stimuli.models import SaliencyMap
from survey_site.stimuli.observed import ObserverJob

ORIGINAL = "original"


@dataclass(frozen=True, slots=True)
class Served:
    """The stored pictures of a study, as participants are served them.

    paths: of a map's picture by its row. originals: by classifier and image. arrays: of another classifier's bare map,
    by explained classifier and image. side: pixels; overlay: whether maps lie over their photo.
    """

    paths: Mapping[int, str]
    below: Mapping[int, str]
    originals: Mapping[tuple[str, str], str]
    arrays: Mapping[tuple[str, str], str]
    side: int

    def map(self, pk: int) -> Picture:
        """RGB uint8 (side, side, 3)."""
        photo = self.below.get(pk)
        return self._pixels(self.paths[pk], storage.get(photo) if photo else None)

    def photo(self, classifier: str, key: str) -> Picture:
        """RGB uint8 (side, side, 3)."""
        path = self.originals.get((classifier, key))
        if path is None:
            raise FileNotFoundError(f"no original by {classifier}")
        return self._pixels(path)

    def other_cam(self, classifier: str, key: str) -> npt.NDArray[np.floating] | None:
        """The array of another classifier's map of an image; None where there is none. Raises ValueError or OSError."""
        path = self.arrays.get((classifier, key))
        if path is None:
            return None
        try:
            found = np.asarray(np.load(io.BytesIO(storage.get(path)), allow_pickle=False), np.float32)
        except EOFError:
            raise ValueError("the file is empty") from None
        if found.ndim != 2 or not found.size or not np.isfinite(found).all():
            raise ValueError(f"an array of shape {found.shape} is no map, or holds what is no number")
        return found

    def _pixels(self, path: str, photo: bytes | None = None) -> Picture:
        """Raises ValueError or OSError for what is no picture."""
        try:
            return np.asarray(overlay.as_served(storage.get(path), self.side, photo), np.uint8)
        except SyntaxError as error:  # Pillow, of a PNG that is broken behind its head
            raise ValueError(str(error)) from None


def served_pictures(job: ObserverJob, rows: Sequence[SaliencyMap]) -> tuple[Served, list[str]]:
    """The pictures of these maps, and what must be said of what is not there."""
    order = job.order
    used = {(entry["classifier"], entry["method"]) for entry in order["conditions"]}
    classifiers = sorted({classifier for classifier, _ in used})
    paths = {
        row.pk: picture.path
        for row in rows
        if (row.classifier, row.method) in used or row.method == ORIGINAL
        for picture in row.pictures.all()
        if picture.colour_map == order["colour_map"]
    }
    originals = {
        (r.classifier, r.stimulus.key): paths[r.pk] for r in rows if r.method == ORIGINAL and r.pk in paths
    }
    anywhere = {key: path for (_, key), path in sorted(originals.items(), reverse=True)}
    for classifier in classifiers:  # as trials do: another classifier's crop shows the same square
        originals = {(classifier, key): path for key, path in anywhere.items()} | originals
    arrays, notes = _other_cams(rows, classifiers, order["classes"])
    below = {}
    if order["overlay"]:
        below = {
            row.pk: originals[row.classifier, row.stimulus.key]
            for row in rows
            if row.method != ORIGINAL and (row.classifier, row.stimulus.key) in originals
        }
    side = order["image_px"] or max((_side(path) for path in paths.values()), default=1)
    return Served(paths, below, originals, arrays, side), notes


def _side(path: str) -> int:
    try:
        with Image.open(io.BytesIO(storage.get(path))) as image:
            return max(image.size)
    except (OSError, SyntaxError):
        return 1  # the observers say which picture cannot be read


def _other_cams(
    rows: Sequence[SaliencyMap], classifiers: Sequence[str], images: Mapping[str, str]
) -> tuple[dict[tuple[str, str], str], list[str]]:
    """By explained classifier and image the array of a bare map by another classifier, the most complete there is."""
    bare: dict[tuple[str, str], dict[str, str]] = {}
    without: Counter[str] = Counter()
    for row in rows:
        if row.method in BASES and row.stimulus.key in images:
            if row.array_path:
                bare.setdefault((row.classifier, row.method), {})[row.stimulus.key] = row.array_path
            else:
                without[row.classifier] += 1
    arrays: dict[tuple[str, str], str] = {}
    notes: list[str] = []
    title = observer_kinds.name(OTHER_CAM)
    for classifier in classifiers:
        others = [(name, base) for name, base in bare if name != classifier]
        best = max(others, key=lambda one: (len(bare[one]), one), default=None)
        if best is None:
            lacking = sum(number for name, number in without.items() if name != classifier)
            why = (
                f"the {lacking} maps of other classifiers were made elsewhere and have no array"
                if lacking
                else "no other classifier has bare maps here; have some computed on the page Maps"
            )
            notes.append(f"“{title}” is left out for maps of {classifier or 'no classifier'}: {why}.")
            continue
        arrays |= {(classifier, key): path for key, path in bare[best].items()}
        if short := len(set(images) - set(bare[best])):
            notes.append(
                f"“{title}” judges maps of {classifier} by {best[0]}, which has no array for {short} images; pools that "
                "show one of them are left out."
            )
    return arrays, notes
