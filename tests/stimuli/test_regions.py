"""Boxes and masks of a study's images: which image a name means, what is stored, what is refused."""

import io
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from saliency_worker.regions import of_boxes
from survey_site.stimuli import jobs, regions, storage
from survey_site.stimuli.archives import Upload
from survey_site.stimuli.intake import add_images
from survey_site.stimuli.models import PrecomputeJob, Stimulus
from survey_site.stimuli.regions import RegionsRefused, add_regions, candidates_of, remove_regions
from survey_site.studies.models import Condition, Study
from tests.stimuli.pictures import encoded, zipped

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
State = PrecomputeJob.State
SIZE = (40, 30)


@pytest.fixture
def study(media: Path) -> Study:
    study = Study.objects.create(slug="s", title="S", edges="sobel")
    names = ("Grey Owl.jpg", "fox.png", "fox-2.png")
    add_images(study, [Upload(name, encoded(n), "beasts") for n, name in enumerate(names)])
    return study


def csv(*rows: str, name: str = "boxes.csv") -> Upload:
    return Upload(name, "\n".join(rows).encode())


def mask(levels: np.ndarray | None = None, *, size: tuple[int, int] = SIZE, **options: object) -> bytes:
    """A PNG mask, by default not black at its right half."""
    shown = np.zeros((size[1], size[0]), np.uint8) if levels is None else levels
    if levels is None:
        shown[:, size[0] // 2 :] = 7
    out = io.BytesIO()
    Image.fromarray(shown).save(out, "PNG", **options)
    return out.getvalue()


def inside(study: Study, key: str) -> np.ndarray:
    """The stored region of an image, bool (H, W)."""
    row = study.stimuli.get(key=key)
    data = storage.get(row.region_path)
    assert storage.sha256(data) == row.region_sha256 and not row.seal_fault()
    with Image.open(io.BytesIO(data)) as stored:
        assert stored.mode == "1"
        return np.asarray(stored)


def problems(study: Study, *uploads: Upload) -> Sequence[str]:
    with pytest.raises(RegionsRefused) as refused:
        add_regions(study, uploads)
    assert not study.stimuli.exclude(region_path="").exists()
    assert all("\n" not in line for line in refused.value.problems)
    return refused.value.problems


def test_boxes_of_several_rows_are_one_region(study: Study) -> None:
    table = csv("file,left,top,right,bottom", "Grey Owl.jpg,0,0,2,1", "fox,1,2,3,4", "fox,39,29,40,30", "")
    assert {image.key for image in add_regions(study, [table])} == {"grey-owl", "fox"}
    assert np.argwhere(inside(study, "fox")).tolist() == [[2, 1], [2, 2], [3, 1], [3, 2], [29, 39]]
    assert np.argwhere(inside(study, "grey-owl")).tolist() == [[0, 0], [0, 1]]
    assert study.stimuli.get(key="fox-2").region_path == ""


def test_masks_come_one_by_one_or_in_a_zip_beside_boxes(study: Study) -> None:
    add_regions(study, [Upload("fox.png", mask())])
    assert (
        inside(study, "fox").sum() == 20 * 30
        and inside(study, "fox")[0, 20]
        and not inside(study, "fox")[0, 19]
    )
    packed = zipped({"masks/fox-2.png": mask(), "boxes.csv": b"grey-owl,0,0,1,1"})
    add_regions(study, [Upload("regions.zip", packed)])
    assert inside(study, "fox-2").sum() == 600 and inside(study, "grey-owl").sum() == 1


def test_another_region_takes_the_place_of_the_first(study: Study) -> None:
    add_regions(study, [csv("fox,0,0,5,5")])
    add_regions(study, [csv("fox,0,0,1,1")])
    assert inside(study, "fox").sum() == 1


@pytest.mark.parametrize("mode", ["1", "P", "RGB", "RGBA", "I;16"])
def test_a_mask_of_any_kind_of_png_is_what_is_not_black(study: Study, mode: str) -> None:
    levels = np.zeros((30, 40), np.uint16 if mode == "I;16" else np.uint8)
    levels[3:5, 7:9] = 1 if mode == "I;16" else 255
    picture = Image.fromarray(levels)
    out = io.BytesIO()
    (picture if mode == "I;16" else picture.convert(mode)).save(out, "PNG")
    add_regions(study, [Upload("fox.png", out.getvalue())])
    assert np.argwhere(inside(study, "fox")).tolist() == [[3, 7], [3, 8], [4, 7], [4, 8]]


def test_images_of_one_file_name_are_told_apart_by_their_class(media: Path) -> None:
    study = Study.objects.create(slug="twins", title="T")
    add_images(study, [Upload("a/1.png", encoded(1), "a"), Upload("b/1.png", encoded(2), "b")])
    assert set(study.stimuli.values_list("key", flat=True)) == {"1", "1-2"}
    add_regions(study, [csv("a/1.png,0,0,1,1", "b/1.png,0,0,2,2")])
    assert (inside(study, "1").sum(), inside(study, "1-2").sum()) == (1, 4)
    with pytest.raises(
        RegionsRefused, match=r"1\.png: it may be 1 or 1-2; write the image's name as it stands"
    ):
        add_regions(study, [csv("1.png,0,0,3,3")])
    add_regions(study, [csv("1-2,0,0,3,3")])
    assert (inside(study, "1").sum(), inside(study, "1-2").sum()) == (1, 9)


def test_a_number_in_a_file_name_is_part_of_it(study: Study) -> None:
    packed = zipped({"masks/fox.png": mask()})
    add_regions(study, [Upload("masks.zip", packed)])
    assert inside(study, "fox").sum() == 600 and not study.stimuli.get(key="fox-2").region_path
    add_regions(study, [csv("fox.png,0,0,1,1", "fox-2.png,0,0,2,2")])
    assert (inside(study, "fox").sum(), inside(study, "fox-2").sum()) == (1, 4)


@pytest.mark.parametrize(
    ("uploads", "told"),
    [
        ([csv("fox,0,0,41,3")], "fox: the box 0,0,41,3 reaches out of the image, which is 40x30"),
        ([csv("fox,3,0,3,9")], "boxes.csv: row 1: 3,0,3,9 is no box"),
        ([csv("fox,-1,0,3,9")], "row 1: -1,0,3,9 is no box"),
        ([csv("fox,0,0,1.5,9")], "in whole pixels"),
        ([csv("fox,0,0,9")], "write file,left,top,right,bottom in each row"),
        ([csv(",0,0,9,9")], "a file is named"),
        ([csv("file,left,top,right,bottom")], "no box and no mask in it"),
        ([Upload("boxes.csv", b"\xff\xfe\x00")], "no CSV in UTF-8"),
        ([csv("wolf.png,0,0,1,1")], "wolf.png: the study has no such image"),
        ([csv("fox,0,0,1,1", "fox.png,0,0,2,2")], "fox has a region by fox already"),
        ([Upload("fox.png", mask(size=(30, 40)))], "fox.png: it is 30x40, its image 40x30"),
        ([Upload("fox.png", mask(np.zeros((30, 40), np.uint8)))], "fox.png: the mask is black everywhere"),
        ([Upload("fox.png", b"no picture")], "fox.png: no mask that can be read"),
        ([Upload("fox.png", mask()[:-30])], "fox.png: no mask that can be read"),
        ([Upload("fox.png", encoded(1, "JPEG"))], "fox.png: no mask that can be read"),
        ([Upload("fox.jpg", encoded(1, "JPEG"))], "fox.jpg: neither a CSV"),
        ([Upload("fox.png", mask()), csv("fox.png,0,0,1,1")], "a mask and boxes; give one"),
        ([Upload("fox.png", mask()), Upload("fox.png", mask())], "more than one mask"),
        ([Upload("masks.zip", b"no zip")], "masks.zip: the zip is damaged"),
        ([Upload("masks.zip", zipped({"../fox.png": mask()}))], "points outside the zip"),
        ([], "no box and no mask in it"),
    ],
)
def test_what_is_no_region_is_refused_in_one_line(study: Study, uploads: list[Upload], told: str) -> None:
    (line,) = problems(study, *uploads)
    assert told in line


def test_all_problems_are_named_at_once_and_the_good_ones_wait(study: Study) -> None:
    lines = problems(study, csv("fox,0,0,99,3", "wolf,0,0,1,1", "grey-owl,0,0,1,1"))
    assert len(lines) == 2


def test_a_sealed_study_and_an_image_without_picture_take_none(study: Study) -> None:
    Stimulus.objects.create(study=study, key="hearsay", width=0, height=0)
    assert problems(study, csv("hearsay,0,0,1,1")) == [
        "hearsay: the study has its name alone and no picture of it"
    ]
    Study.objects.filter(pk=study.pk).update(state=Study.State.LIVE)
    assert "make a new version" in problems(study, csv("fox,0,0,1,1"))[0]


def test_seals_of_images_without_region_stay_as_they_were(study: Study) -> None:
    image = study.stimuli.get(key="fox")
    assert not {"region_path", "region_sha256"} & set(image.sealed_values())
    add_regions(study, [csv("fox,0,0,1,1")])
    image.refresh_from_db()
    assert {"region_path", "region_sha256"} <= set(image.sealed_values())
    Stimulus.objects.filter(pk=image.pk).update(region_sha256="0" * 64)
    image.refresh_from_db()
    assert "changed" in image.seal_fault()


def test_maps_that_are_there_are_queued_for_the_pointing_game_alone(study: Study) -> None:
    Condition.objects.create(study=study, column="Grad-CAMs", classifier="MobileNetV2", base="gradcam")
    assert jobs.request(study) == 3
    by_key = {job.stimulus.key: job for job in PrecomputeJob.objects.select_related("stimulus")}
    for key, state in (("fox", State.DONE), ("fox-2", State.RUNNING)):
        PrecomputeJob.objects.filter(pk=by_key[key].pk).update(state=state, attempts=1)
    add_regions(study, [csv("fox,0,0,1,1", "fox-2,0,0,1,1", "grey-owl,0,0,1,1")])
    rows = {job.stimulus.key: job for job in PrecomputeJob.objects.select_related("stimulus")}
    assert {key: (job.state, job.region_only) for key, job in rows.items()} == {
        "fox": (State.QUEUED, True),
        "fox-2": (State.QUEUED, False),  # it may have read the image already, and begins anew
        "grey-owl": (State.QUEUED, False),
    }
    assert jobs.request(study, methods=["gradcam"]) == 0
    assert jobs.request(study, methods=["gradcampp"]) == 3
    assert not PrecomputeJob.objects.filter(region_only=True).exists()


def test_regions_are_taken_away_again(study: Study) -> None:
    add_regions(study, [csv("fox,0,0,1,1")])
    assert [image.key for image in remove_regions(study.stimuli.all())] == ["fox"]
    image = study.stimuli.get(key="fox")
    assert (image.region_path, image.region_sha256, image.seal_fault()) == ("", "", "")


def test_the_command_takes_regions_with_images_or_alone(study: Study, tmp_path: Path) -> None:
    (tmp_path / "hen.png").write_bytes(encoded(9))
    (tmp_path / "boxes.csv").write_text("hen,0,0,1,1\nfox,0,0,1,1\n")
    out = io.StringIO()
    table = str(tmp_path / "boxes.csv")
    call_command("add_images", "s", str(tmp_path / "hen.png"), "--regions", table, stdout=out)
    assert "2 regions" in out.getvalue() and inside(study, "hen").sum() == 1
    (tmp_path / "masks").mkdir()
    (tmp_path / "masks" / "fox.png").write_bytes(mask())
    call_command("add_images", "s", "--regions", str(tmp_path / "masks"), stdout=out)
    assert inside(study, "fox").sum() == 600
    (tmp_path / "boxes.csv").write_text("wolf,0,0,1,1\n")
    (tmp_path / "pig.png").write_bytes(encoded(10))
    with pytest.raises(CommandError, match="wolf: the study has no such image"):
        call_command("add_images", "s", str(tmp_path / "pig.png"), "--regions", table)
    assert not study.stimuli.filter(key="pig").exists()
    with pytest.raises(CommandError, match="name images"):
        call_command("add_images", "s")


def test_names_of_no_image_are_told_without_going_through_all_others(study: Study) -> None:
    """A hundred thousand of them would be ten thousand million steps while the study is held."""

    class Walked(dict[str, str]):
        def items(self) -> Any:
            pytest.fail("all names were gone through")

    by_key = {image.key: image for image in study.stimuli.all()}
    assert candidates_of("cow.png", Walked({"cow.png": "cow", "fox.png": "fox"}), by_key) == []


def test_of_all_masks_only_one_lies_unpacked(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[weakref.ref[Image.Image]] = []
    alive = []

    def watched(*given: Any) -> Image.Image:
        found = of_boxes(*given)
        made.append(weakref.ref(found))
        alive.append(sum(each() is not None for each in made))
        return found

    monkeypatch.setattr(regions, "of_boxes", watched)
    add_regions(study, [csv("Grey Owl.jpg,0,0,2,1", "fox,1,2,3,4", "fox-2,1,2,3,4")])
    assert alive == [1, 1, 1]
