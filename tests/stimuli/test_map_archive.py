"""Maps of any library: written by NumPy alone, taken by a study, and the desk says where they came from."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from saliency_worker.map_archive import BadMaps, MapArchive, write_maps
from survey_site.stimuli import jobs, storage
from survey_site.stimuli.import_maps import import_maps
from survey_site.stimuli.models import SaliencyMap
from survey_site.stimuli.uploaded_maps import BadMaps as Refused
from survey_site.studies.models import Study
from tests.stimuli.pictures import zipped
from tests.studies.sample import ready_study

SIDE = 24
MADE = {"library": "pytorch-grad-cam 1.5.7", "layer": "layer4", "seed": np.int64(7)}


def arrays(count: int) -> np.ndarray:
    return np.random.default_rng(0).random((count, SIDE, SIDE)).astype("f4")


@pytest.fixture
def study(media: Path, db: None) -> Study:
    return ready_study()


def test_it_needs_numpy_and_nothing_else() -> None:
    code = (
        "import sys; import saliency_worker.map_archive; "
        "heavy = {'django', 'PIL', 'tensorflow', 'keras', 'cv2', 'celery', 'torch'} & set(sys.modules); "
        "sys.exit(', '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_it_writes_a_study_takes_with_classes_and_provenance(study: Study, tmp_path: Path) -> None:
    keys = list(study.stimuli.values_list("key", flat=True))
    made, scores = arrays(len(keys)), np.full((len(keys), 3), 0.2)
    scores[:, 2] = 0.6
    path = write_maps(
        tmp_path / "maps.zip",
        made,
        keys,
        method="Grad-CAM (torch)",
        classifier="my-resnet",
        explained=[1] * len(keys),
        predictions=scores,
        class_names=("cat", "dog", "owl"),
        provenance=MADE,
    )
    stored = import_maps(study, path.name, path, None)
    assert (stored.maps, stored.conditions, stored.left_out) == (len(keys), 1, ())
    row = SaliencyMap.objects.get(stimulus__key=keys[0], method="grad-cam-torch")
    assert (row.class_name, row.provenance["explained"]) == ("dog", "dog")
    assert (row.provenance["predicted"], row.provenance["confidence"]) == ("owl", 0.6)
    assert row.provenance["made_by"] == {"library": "pytorch-grad-cam 1.5.7", "layer": "layer4", "seed": 7}
    values = np.frombuffer(storage.get(row.array_path)[-SIDE * SIDE * 4 :], "<f4").reshape(SIDE, SIDE)
    np.testing.assert_array_equal(values, made[0])
    assert jobs.missing_maps(study) == []


def test_the_desk_says_where_a_map_came_from(study: Study, tmp_path: Path) -> None:
    keys = list(study.stimuli.values_list("key", flat=True))
    path = write_maps(
        tmp_path / "cams.zip", arrays(len(keys)), keys, method="Extremal", classifier="net", provenance=MADE
    )
    ada = User.objects.create_superuser("ada")
    import_maps(study, path.name, path, ada)
    client = Client()
    client.force_login(ada)
    told = "cams.zip, uploaded by ada: layer layer4, library pytorch-grad-cam 1.5.7, seed 7"
    row = SaliencyMap.objects.filter(method="extremal").order_by("pk")[0]
    for address in (
        reverse("admin:study_upload-maps", args=[study.pk]),
        reverse("admin:stimulus_compare", args=[row.stimulus_id]) + "?m=net|extremal",
        reverse("admin:stimuli_saliencymap_change", args=[row.pk]),
    ):
        assert told in client.get(address).content.decode()


def test_the_same_maps_give_the_same_bytes(tmp_path: Path) -> None:
    paths = [
        write_maps(tmp_path / f"{n}.zip", arrays(3), ["a", "b", "c"], method="RISE", classifier="net")
        for n in "12"
    ]
    assert paths[0].read_bytes() == paths[1].read_bytes()


class Tensor:
    """What PyTorch's tensors answer: no array while a gradient is tracked or another device holds it."""

    def __init__(self, values: Any, state: str = "tracked") -> None:
        self.values, self.state = np.asarray(values), state
        self.dtype = "torch.float32"

    def detach(self) -> "Tensor":
        return Tensor(self.values, "detached")

    def cpu(self) -> "Tensor":
        return Tensor(self.values, "ready" if self.state == "detached" else self.state)

    def __iter__(self) -> Any:
        return (Tensor(each, self.state) for each in self.values)

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        assert self.state == "ready"
        return self.values


def contents(path: Path) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith(".npy")]
        return {Path(name).stem: np.load(archive.open(name)) for name in names}


def test_tensors_with_a_channel_of_one_are_maps_too(tmp_path: Path) -> None:
    made = arrays(2)
    path = write_maps(tmp_path / "a.zip", Tensor(made[:, None]), ["a", "b"], method="m", classifier="net")
    np.testing.assert_array_equal(contents(path)["b"], made[1])


def test_scales_bring_a_map_to_0_to_1(tmp_path: Path) -> None:
    signed = np.linspace(-1, 3, SIDE * SIDE, dtype="f4").reshape(SIDE, SIDE)
    with MapArchive(tmp_path / "a.zip", classifier="net") as archive:
        archive.add(signed, "a", method="m", scale="min-max")
        archive.add(signed, "b", method="m", scale="positive")
    found = contents(tmp_path / "a.zip")
    np.testing.assert_allclose(found["a"], (signed + 1) / 4, atol=1e-6)
    np.testing.assert_allclose(found["b"], np.maximum(signed, 0) / 3, atol=1e-6)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive_:
        entries = json.loads(archive_.read("manifest.json"))
    assert [entry["provenance"] for entry in entries] == [{"scale": "min-max"}, {"scale": "positive"}]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (np.zeros((3, 8, 8)), "sum or choose among its channels"),
        (np.zeros((8, 9)), "maps are square"),
        (np.full((8, 8), np.nan), "not finite"),
        (np.full((8, 8), 1.5), "scale='min-max'"),
        (np.full((8, 8), -0.5), "scale='positive'"),
        (np.full((8, 8), "x"), "give numbers"),
    ],
)
def test_what_is_no_map_is_refused_and_no_file_is_left(values: np.ndarray, told: str, tmp_path: Path) -> None:
    with pytest.raises(BadMaps, match=told) as caught:
        write_maps(tmp_path / "a.zip", [values], ["owl"], method="m", classifier="net")
    assert "owl" in str(caught.value) and "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"stimuli": ["a"]}, "2 maps and 1 names"),
        ({"stimuli": ["a", "a"]}, "name each image once"),
        ({"explained": ["cat"]}, "1 explained classes"),
        ({"predictions": [[3.0, -1.0], [0.0, 1.0]]}, "softmax or sigmoid"),
        ({"predictions": [4, 0], "class_names": ("cat", "dog")}, "class 4 has no name"),
        ({"method": " "}, "method is"),
        ({"provenance": {"auc": float("nan")}}, "nan"),
        ({"scale": "log"}, "choose one of none, min-max, positive"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(change: dict[str, Any], told: str, tmp_path: Path) -> None:
    arguments: dict[str, Any] = {"stimuli": ["a", "b"], "method": "m", "classifier": "net"} | change
    with pytest.raises(BadMaps, match=told):
        write_maps(tmp_path / "a.zip", arrays(2), arguments.pop("stimuli"), **arguments)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_stays_unless_told_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(b"mine")
    with pytest.raises(BadMaps, match="overwrite=True"):
        write_maps(path, arrays(1), ["a"], method="m", classifier="net")
    assert path.read_bytes() == b"mine"
    write_maps(path, arrays(1), ["a"], method="m", classifier="net", overwrite=True)
    assert zipfile.is_zipfile(path)


def test_a_flat_map_is_told(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="owl: the map is flat"):
        write_maps(tmp_path / "a.zip", np.zeros((1, 8, 8)), ["owl"], method="m", classifier="net")


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"confidence": 1.5}, "confidence is 1.5"),
        ({"confidence": "high"}, "confidence is high"),
        ({"provenance": ["torch"]}, "provenance is no object"),
        ({"provenance": {"note": "a\0b"}}, "no text has"),
        ({"provenance": {"deep": [{"no\ud800te": 1}]}}, "no text has"),
        ({"provenance": {"note": "x" * 30_000}}, "say less"),
        ({"explained": "x" * 200}, "more than 120"),
    ],
)
def test_a_manifest_that_says_nonsense_is_refused(study: Study, entry: dict[str, Any], told: str) -> None:
    line = {"file": "m0.npy", "stimulus": "m0", "method": "RISE"} | entry
    with pytest.raises(Refused, match=told):
        import_maps(study, "a.zip", zipped({"manifest.json": json.dumps([line]).encode()}), None)
    assert not SaliencyMap.objects.filter(method="rise").exists()
