"""A network of one's own is tried in a process without credentials before it is used; what does not fit is refused."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from saliency_worker import model_trial, tasks, try_model
from saliency_worker.model_trial import ModelFile, ModelRefused
from survey_site.stimuli import own_models, storage
from survey_site.stimuli.models import OwnModel
from survey_site.studies.models import Study
from tests.worker.registering import NAMES, State, registered, study_of_six, tried_here, upload

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.tensorflow]


@pytest.fixture
def apart() -> None:
    """Asked for by the tests whose trials run in a process of their own, as in production."""


@pytest.fixture(autouse=True)
def trials(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere trials run in this process."""
    if "apart" not in request.fixturenames:
        monkeypatch.setattr(model_trial, "_run", tried_here)


@pytest.fixture
def study(db: None, media: Path, classifier: str, settings: Any, tmp_path: Path) -> Study:
    return study_of_six(settings, tmp_path)


def test_a_model_is_tried_and_shown_on_three_images_before_it_is_used(
    study: Study, classifier: str, apart: None
) -> None:
    row = registered(study, classifier)
    assert (row.state, row.reason, row.is_usable) == (State.DONE, "", False)
    assert row.sha256 == storage.sha256(Path(classifier.partition("@")[0]).read_bytes())
    assert (row.found["layer"], row.found["input"], row.found["classes"]) == ("last", [32, 32], 5)
    assert [preview["stimulus"] for preview in row.found["previews"]] == ["0", "1", "2"]
    for preview in row.found["previews"]:
        assert preview["class_name"] in NAMES
        assert Image.open(io.BytesIO(storage.get(preview["picture"]))).size == (3 * 32 + 16, 32)
    assert own_models.usable(study) == {}
    assert own_models.accept(row, None)
    assert set(own_models.usable(study)) == {"mine"}


def test_wrong_names_fail_in_one_line(study: Study, classifier: str) -> None:
    row = registered(study, classifier, class_names="ant\nbee")
    assert (row.state, row.permanent) == (State.FAILED, True)
    assert "there are 2 names, but the network has 5 classes" in row.reason
    assert not own_models.accept(row, None)


@pytest.mark.parametrize(
    ("change", "field", "told"),
    [
        ({"name": "MobileNetV2"}, "name", "catalogue"),
        ({"name": "a b"}, "name", "letters, digits"),
        ({"file": None}, "file", "Give a file or a path"),
        ({"path": "x.h5"}, "file", "one of them"),
        ({"file": SimpleUploadedFile("net.keras", b"zip")}, "file", "no .keras file"),
        ({"file": SimpleUploadedFile("net.h5", b"zip")}, "file", "operator's folder"),
        ({"file": None, "path": "net.h5"}, "path", "SALIENCY_MODELS_DIR"),
        ({"layer": "a@b"}, "layer", "one layer"),
        ({"preprocessing": "log"}, "preprocessing", "Choose one of raw"),
        ({"class_names": '{"cat": 1}'}, "class_names", "indices"),
    ],
)
def test_what_does_not_fit_is_refused_at_its_field(
    study: Study, classifier: str, change: dict[str, Any], field: str, told: str
) -> None:
    values: dict[str, Any] = {"name": "mine", "file": upload(classifier)} | change
    with pytest.raises(own_models.Refused) as caught:
        own_models.register(study, None, **values)
    assert told in caught.value.problems[field]
    assert not OwnModel.objects.exists()


def test_the_trial_is_told_no_credentials() -> None:
    own = {
        "PATH": "/bin",
        "DATABASE_URL": "postgres://survey:word@db/survey",
        "SECRET_KEY": "k" * 60,
        "CELERY_BROKER_URL": "redis://:word@redis",
        "CACHE_URL": "redis://:word@redis",
        "STORAGE_URL": "s3://bucket",
        "AWS_SECRET_ACCESS_KEY": "word",
        "EMAIL_URL": "smtp://a:word@b",
        "DATA_DIR": "/data",
        "SALIENCY_MODEL_CODE": "lab_layers",
        "PYTHONPATH": "/lab",
    }
    told = model_trial.environment(own, "/tmp/x", trusted=False)
    assert not [value for value in told.values() if "word" in value or "lab" in value or "/data" in value]
    assert {"PATH", "HOME", "PYTHONPATH"} <= set(told)
    assert "SALIENCY_MODEL_CODE" in model_trial.environment(own, "/tmp/x", trusted=True)


def _with_weights(classifier: str, target: Path, change: Any) -> ModelFile:
    """The model with its weights' file changed."""
    with zipfile.ZipFile(classifier.partition("@")[0]) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    weights = io.BytesIO(files["model.weights.h5"])
    with h5py.File(weights, "r+") as file:
        change(file)
    path = target / "mine.keras"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in (files | {"model.weights.h5": weights.getvalue()}).items():
            archive.writestr(name, data)
    return ModelFile(path, "last", "tf", "crop", trusted=False)


def _external(file: Any) -> None:
    file.create_dataset("more", (10,), "u1", external=[("/etc/passwd", 0, 10)])


def _link(file: Any) -> None:
    file["more"] = h5py.ExternalLink("/etc/hosts", "/x")


def _terabytes(file: Any) -> None:
    file.create_dataset("more", (2**40,), "f4", chunks=(1024,), compression="gzip")


@pytest.mark.parametrize(
    ("change", "told"),
    [(_external, "lies in another file"), (_link, "link to elsewhere"), (_terabytes, "unpack to")],
)
def test_weights_that_reach_out_or_explode_are_refused(
    classifier: str, tmp_path: Path, change: Any, told: str
) -> None:
    file = _with_weights(classifier, tmp_path, change)
    with pytest.raises(try_model.Unfit, match=told):
        try_model.refuse_foreign_data(file.path, 10**8)


def test_a_trial_that_dies_or_is_refused_says_so(
    classifier: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, apart: None
) -> None:
    path = Path(classifier.partition("@")[0])
    with pytest.raises(ModelRefused, match="nowhere"):
        model_trial.try_model(ModelFile(path, "nowhere", "tf", "crop", trusted=False), [], [], "jet", 10**8)
    monkeypatch.setattr(model_trial, "MEMORY", 2**28)
    with pytest.raises(ModelRefused, match="smaller model"):
        model_trial.try_model(ModelFile(path, "last", "tf", "crop", trusted=False), [], [], "jet", 10**8)


def test_found_is_json_of_plain_numbers(study: Study, classifier: str) -> None:
    row = registered(study, classifier)
    assert json.loads(json.dumps(row.found)) == row.found
    assert np.isfinite([preview["confidence"] for preview in row.found["previews"]]).all()


def test_a_model_that_came_with_a_study_folder_is_judged_like_an_upload(study: Study, tmp_path: Path) -> None:
    import keras

    layers = [keras.layers.Input((8, 8, 3)), keras.layers.Lambda(lambda x: x * 2)]
    path = tmp_path / "net.keras"
    keras.Sequential(layers).save(path)
    with path.open("rb") as file:
        stored, sha256 = storage.put_file("models", file, ".keras")
    row = OwnModel.objects.create(study=study, name="foreign", source="upload", path=stored, sha256=sha256)
    tasks.try_model([row.pk])
    row.refresh_from_db()
    assert (row.state, row.permanent) == (State.FAILED, True)
    assert "foreign is not taken: it holds Lambda, which is code" in row.reason
