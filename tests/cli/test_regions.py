"""Boxes and masks for the pointing game: what they mean, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from saliency_worker.cli.errors import CommandError
from saliency_worker.cli.inputs import Source
from saliency_worker.cli.regions import Regions

CAT, DOG = Source(Path("pictures/cat.jpg"), "cat"), Source(Path("pictures/dog.png"), "dog")


def table(folder: Path, text: str) -> str:
    path = folder / "boxes.csv"
    path.write_text(text, "utf-8")
    return str(path)


def test_boxes_of_an_image_are_joined_and_others_have_none(tmp_path: Path) -> None:
    regions = Regions(
        table(tmp_path, "file,left,top,right,bottom\ncat,0,0,1,1\ncat.jpg,2,1,4,2\n"), [CAT, DOG]
    )
    assert np.argwhere(regions.of(CAT, (3, 4))).tolist() == [
        [1, 2],
        [1, 3],
    ]  # the name is more exact than the stem
    regions = Regions(table(tmp_path, "cat.jpg,0,0,1,1\ncat.jpg,2,1,4,2\n"), [CAT, DOG])
    assert np.argwhere(regions.of(CAT, (3, 4))).tolist() == [[0, 0], [1, 2], [1, 3]]
    assert regions.of(DOG, (3, 4)) is None
    assert Regions(None, [CAT]).of(CAT, (3, 4)) is None


def test_a_mask_is_what_is_not_black(tmp_path: Path) -> None:
    levels = np.array([[0, 1], [255, 0]], np.uint8)
    Image.fromarray(levels).save(tmp_path / "dog.png")
    regions = Regions(str(tmp_path), [CAT, DOG])
    assert np.array_equal(regions.of(DOG, (2, 2)), levels > 0)
    assert regions.of(CAT, (2, 2)) is None
    with pytest.raises(CommandError, match=r"it is 2x2, its image 3x2"):
        regions.of(DOG, (2, 3))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("cat,1,1,1,5", "row 1: 1,1,1,5 is no box"),
        ("cat,-1,0,3,3", "row 1: -1,0,3,3 is no box"),
        ("file,left,top,right,bottom\ncat,0,0,3", "row 1: write file,left,top,right,bottom"),
        ("cat,0,0,a,3", "in whole pixels"),
        ("elephant,0,0,3,3", "no box and no mask of any of the images"),
        ("", "no box and no mask"),
    ],
)
def test_bad_boxes_are_refused_in_one_line(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(CommandError, match=reason) as refused:
        Regions(table(tmp_path, text), [CAT])
    assert "\n" not in str(refused.value)


def test_a_box_that_reaches_out_of_its_image_names_both(tmp_path: Path) -> None:
    regions = Regions(table(tmp_path, "cat,0,0,9,3"), [CAT])
    with pytest.raises(CommandError, match=r"pictures/cat.jpg: the box 0,0,9,3 reaches out of .* 4x3"):
        regions.of(CAT, (3, 4))


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="give a CSV of boxes or a folder of masks"):
        Regions(str(tmp_path / "none.csv"), [CAT])
    (tmp_path / "cat.png").write_bytes(b"no picture")
    with pytest.raises(CommandError, match="no mask that can be read"):
        Regions(str(tmp_path), [CAT]).of(CAT, (3, 4))
