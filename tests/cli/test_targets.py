"""Which class is explained: of each image its own, from a table or from folders; the network's own choice otherwise."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

from saliency_worker import __main__
from tests.saliency.conftest import small_network

pytestmark = pytest.mark.tensorflow
NAMES = ["ant", "bee", "cat", "dog", "emu"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "zoo.keras"
    small_network().save(path)
    # As Keras's generators give it, in another order than the indices.
    path.with_suffix(".json").write_text(
        json.dumps({name: NAMES.index(name) for name in sorted(NAMES)[::-1]})
    )
    return path


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    for number, name in enumerate(("bee/a.png", "dog/b.png", "emu/c.png")):
        path = folder / name
        path.parent.mkdir(parents=True)
        pixels = np.random.default_rng(number).integers(0, 256, (40, 50, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)
    return folder


def run(model: Path, photos: Path, *more: str) -> int:
    fixed = [
        "--classifier",
        f"{model}@last:tf",
        "--edges",
        "sobel",
        "--quiet",
        "--out",
        str(photos.parent / "out"),
    ]
    return __main__.main(["explain", str(photos), "--methods", "gradcam", *fixed, *more])


def written(photos: Path) -> dict[str, Any]:
    return json.loads((photos.parent / "out" / "zoo" / "manifest.json").read_text("utf-8"))["images"]


def predicted(model: Path, photo: Path) -> int:
    from saliency_worker.saliency.images import crop, decode
    from saliency_worker.saliency.network_input import preprocess

    scores = keras.saving.load_model(model)(preprocess(crop(decode(photo.read_bytes()), 32)[None], "tf"))
    return int(np.asarray(scores)[0].argmax())


def test_names_beside_the_model_are_those_of_its_scores(model: Path, photos: Path) -> None:
    assert run(model, photos) == 0
    for stem, record in written(photos).items():
        index = predicted(model, next(photos.rglob(f"{stem}.png")))
        assert (record["prediction"]["class_index"], record["prediction"]["class_name"]) == (
            index,
            NAMES[index],
        )
        assert record["explained"] == record["prediction"]


def test_the_name_of_the_folder_is_the_class_that_is_explained(model: Path, photos: Path) -> None:
    assert run(model, photos, "--targets", "folders") == 0
    for stem, name in (("a", "bee"), ("b", "dog"), ("c", "emu")):
        record = written(photos)[stem]
        assert record["explained"]["class_name"] == name
        assert record["maps"]["gradcam"]["provenance"]["class_index"] == NAMES.index(name)
        index = predicted(model, next(photos.rglob(f"{stem}.png")))
        assert record["prediction"]["class_index"] == index


def test_a_table_may_name_some_images_and_the_others_are_told(
    model: Path, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = photos.parent / "classes.csv"
    table.write_text("file,class\na.png,Cat\nb,4\nelsewhere.png,ant\n")
    assert run(model, photos, "--targets", str(table)) == 0
    assert "predicted class is explained: c" in capsys.readouterr().err
    found = {stem: record["explained"]["class_index"] for stem, record in written(photos).items()}
    assert (found["a"], found["b"]) == (2, 4)
    assert found["c"] == written(photos)["c"]["prediction"]["class_index"]


def test_another_class_is_computed_anew_and_verify_knows_which_it_was(
    model: Path, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = photos.parent / "classes.csv"
    for index in (1, 2):
        table.write_text(f"a,{index}\nb,{index}\nc,{index}\n")
        assert run(model, photos, "--targets", str(table)) == 0
        assert {record["explained"]["class_index"] for record in written(photos).values()} == {index}
    capsys.readouterr()
    assert __main__.main(["verify", str(photos.parent / "out"), "--recompute"]) == 0
    assert "3 maps identical when recomputed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("a,horse", "a: 'horse' is no class of the network; it has ant, bee, cat, dog, emu"),
        ("a,5", "0 to 4"),
        ("a,1\na,2", "twice, with different classes"),
        ("nobody,1", "names none of the images"),
        ("a", "write file,class"),
        ("", "names none of the images"),
    ],
)
def test_a_table_that_does_not_fit_is_refused_in_one_line(
    model: Path, photos: Path, rows: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    table = photos.parent / "classes.csv"
    table.write_text(rows)
    assert run(model, photos, "--targets", str(table)) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert told in lines[-1]
    assert not (photos.parent / "out").exists()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('["one", "two"]', "there are 2 names, but the network has 5 classes"),
        ('{"ant": 0, "bee": 2}', "indices"),
        ('{"config": {}}', "neither a list"),
        (None, "cannot be read"),
    ],
)
def test_class_names_that_do_not_fit_are_refused_in_one_line(
    model: Path, photos: Path, content: str | None, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = photos.parent / "names.json"
    if content is not None:
        file.write_text(content)
    assert run(model, photos, "--class-names", str(file)) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert told in line


def test_class_names_by_option_go_before_those_beside_the_model(model: Path, photos: Path) -> None:
    names = photos.parent / "names.txt"
    names.write_text("Ameise\nBiene\nKatze\nHund\nEmu\n")
    assert (
        run(model, photos, "--class-names", str(names), "--targets", "folders") == 2
    )  # the folders' are others
    assert run(model, photos, "--class-names", str(names)) == 0
    assert {record["prediction"]["class_name"] for record in written(photos).values()} <= {
        "Ameise",
        "Biene",
        "Katze",
        "Hund",
        "Emu",
    }


def test_a_file_beside_the_model_that_holds_no_names_is_refused(
    tmp_path: Path, photos: Path, capsys: Any
) -> None:
    path = tmp_path / "other.keras"
    made = small_network()
    made.save(path)
    path.with_suffix(".json").write_text(made.to_json())
    assert run(path, photos) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "other.json" in line and "rename the file" in line
