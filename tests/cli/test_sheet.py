"""The contact sheet: original and edges in front, one row per base, Ours 1-5 in order."""

import io

import numpy as np
from PIL import Image

from saliency_worker.catalog import FULL_SET
from saliency_worker.cli.sheet import draw, rows_of


def picture(value: int, size: int = 40) -> np.ndarray:
    # Not a grey: the grey rims of the letters must not be taken for it.
    return np.full((size, size, 3), (value, 0, 200), np.uint8)


FRONT = [("Original", picture(1)), ("Edges", picture(2))]


def labels(keys: tuple[str, ...]) -> list[list[str]]:
    rows = rows_of(FRONT, {key: picture(0) for key in keys})
    return [[cell[0] if cell else "" for cell in row] for row in rows]


def test_the_full_set_is_laid_out_like_the_papers_figures() -> None:
    ours = [f"Ours {n}" for n in range(1, 6)]
    assert labels(FULL_SET) == [
        ["Original", "Grad-CAM", *ours],
        ["Edges", "Grad-CAM++", *ours],
        ["", "Smooth Grad-CAM++", *ours],
    ]


def test_a_few_maps_make_a_small_sheet_with_gaps() -> None:
    assert labels(("gradcam", "gradcampp.comp-edges", "gradcampp.add-edges")) == [
        ["Original", "Grad-CAM", "", ""],
        ["Edges", "", "Ours 1", "Ours 4"],
    ]


def test_every_picture_stands_in_its_cell_untouched() -> None:
    rows = rows_of(FRONT, {key: picture(10 + i) for i, key in enumerate(FULL_SET)})
    sheet = np.asarray(Image.open(io.BytesIO(draw("heading", rows))))
    for value in (1, 2, *range(10, 10 + len(FULL_SET))):
        ys, xs = np.nonzero((sheet == (value, 0, 200)).all(axis=2))
        assert (np.ptp(ys) + 1, np.ptp(xs) + 1) == (40, 40)
        assert len(ys) == 1600


def test_the_same_maps_give_the_same_bytes() -> None:
    rows = rows_of(FRONT, {"gradcam": picture(5)})
    assert draw("heading", rows) == draw("heading", rows)
