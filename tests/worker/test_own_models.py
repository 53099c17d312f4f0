"""A network of one's own: tried in a process without credentials, accepted, then used like the catalogue's."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image

from saliency_worker import model_trial, store, tasks, try_model
from saliency_worker.model_trial import ModelFile, ModelRefused
from survey_site.design import canonical
from survey_site.protocols import freeze
from survey_site.stimuli import jobs, own_models, storage
from survey_site.stimuli.models import OwnModel, PrecomputeJob, SaliencyMap
from survey_site.studies.models import Condition, Membership, Study
from tests.factories import FACTS, change_task
from tests.worker.study import tiny_study

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.tensorflow]
NAMES = ["ant", "bee", "cat", "dog", "emu"]
State = OwnModel.State


@pytest.fixture
def apart() -> None:
    """Asked for by the tests whose trials run in a process of their own, as in production."""


@pytest.fixture(autouse=True)
def trials(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere trials run in this process, which has TensorFlow already: another would take seconds to load it."""

    def near(asked: str, told: dict[str, str], folder: str) -> str:
        try:
            answer = try_model.tried(json.loads(asked), Path(folder))
        except Exception as error:  # as the process does
            answer = {"problem": try_model._line(error)}
        Path(folder, model_trial.FOUND).write_text(json.dumps(answer, allow_nan=False), "utf-8")
        return "ended with status 0"

    if "apart" not in request.fixturenames:
        monkeypatch.setattr(model_trial, "_run", near)


@pytest.fixture
def study(db: None, media: Path, classifier: str, settings: Any, tmp_path: Path) -> Study:
    settings.DATA_DIR = tmp_path / "data"
    study = tiny_study("MobileNetV2", images=6)
    Study.objects.filter(pk=study.pk).update(**FACTS)
    study.conditions.all().delete()
    study.refresh_from_db()
    for task in ("matching", "rating"):
        change_task(study, task, trials_per_column=1)
    return study


def upload(classifier: str) -> SimpleUploadedFile:
    return SimpleUploadedFile("net.keras", Path(classifier.partition("@")[0]).read_bytes())


def registered(study: Study, classifier: str, **options: Any) -> OwnModel:
    values: dict[str, Any] = {
        "name": "mine",
        "file": upload(classifier),
        "layer": "last",
        "preprocessing": "tf",
    }
    values |= {"class_names": "\n".join(NAMES)} | options
    row = own_models.register(study, None, **values)
    tasks.try_model([row.pk])
    row.refresh_from_db()
    return row


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


def test_an_accepted_model_computes_is_sealed_and_goes_live(study: Study, classifier: str) -> None:
    row = registered(study, classifier)
    own_models.accept(row, None)
    for order, (column, method) in enumerate((("Grad-CAMs", ""), ("Ours 1", "add-edges"))):
        Condition.objects.create(
            study=study, column=column, column_order=order, classifier="mine", base="gradcam", method=method
        )
    jobs.request(study)
    tasks.explain(list(PrecomputeJob.objects.values_list("pk", flat=True)))
    assert set(PrecomputeJob.objects.values_list("state", "reason")) == {(State.DONE, "")}
    maps = SaliencyMap.objects.filter(method="gradcam")
    assert maps.count() == 6
    for made in maps:
        assert (made.classifier, made.provenance["weights_sha256"]) == ("mine", row.sha256)
        assert (made.provenance["preprocessing"], made.layer) == ("tf", "last")
        assert made.class_name in NAMES
    assert jobs.request(study) == 0
    row.refresh_from_db()
    document = freeze.draft_of(study).document
    assert document is not None
    assert document["models"] == [row.definition()]
    assert row.definition() == {
        "name": "mine",
        "sha256": row.sha256,
        "layer": "last",
        "preprocessing": "tf",
        "fit": "crop",
        "class_names": NAMES,
    }
    without = {name: value for name, value in document.items() if name != "models"}
    study.own_models.all().delete()
    assert canonical.sha256(freeze.draft_of(study).document) == canonical.sha256(without)


def test_what_was_not_accepted_neither_computes_nor_goes_live(study: Study, classifier: str) -> None:
    row = registered(study, classifier)
    Condition.objects.create(study=study, column="Grad-CAMs", classifier="mine", base="gradcam")
    assert "was not accepted" in " ".join(freeze.problems(study, freeze.draft_of(study)))
    jobs.request(study)
    tasks.explain(list(PrecomputeJob.objects.values_list("pk", flat=True)))
    assert {(job.state, job.permanent) for job in PrecomputeJob.objects.all()} == {(State.FAILED, True)}
    assert "mine was not accepted" in PrecomputeJob.objects.all()[0].reason
    assert not SaliencyMap.objects.filter(classifier=row.name).exists()


def test_another_preprocessing_is_tried_anew_and_its_old_maps_do_not_count(
    study: Study, classifier: str
) -> None:
    row = registered(study, classifier)
    own_models.accept(row, None)
    Condition.objects.create(study=study, column="Grad-CAMs", classifier="mine", base="gradcam")
    jobs.request(study)
    tasks.explain(list(PrecomputeJob.objects.values_list("pk", flat=True)))
    before = SaliencyMap.objects.filter(method="gradcam", current=True).values_list("array_sha256", flat=True)
    assert len(set(before)) > 1
    kept = set(before)
    own_models.change(row, layer="last", preprocessing="unit", fit="crop", class_names=None)
    row.refresh_from_db()
    assert (row.state, row.accepted_at, row.class_names) == (State.QUEUED, None, NAMES)
    assert len(jobs.missing_maps(study)) == 12
    tasks.try_model([row.pk])
    row.refresh_from_db()
    assert own_models.accept(row, None)
    assert jobs.request(study) == 6
    tasks.explain(list(PrecomputeJob.objects.values_list("pk", flat=True)))
    now = SaliencyMap.objects.filter(method="gradcam", current=True)
    assert {made.provenance["preprocessing"] for made in now} == {"unit"}
    assert {made.array_sha256 for made in now} != kept


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


def test_the_operators_folder_holds_what_an_upload_may_not(
    study: Study, classifier: str, tmp_path: Path, settings: Any
) -> None:
    import keras

    folder = tmp_path / "models"
    (folder / "lab").mkdir(parents=True)
    keras.saving.load_model(classifier.partition("@")[0]).save(folder / "lab" / "net.h5")
    settings.SALIENCY_MODELS_DIR = str(folder)
    (tmp_path / "secret.h5").write_bytes(b"")
    (folder / "out.h5").symlink_to(tmp_path / "secret.h5")
    for path in ("../secret.h5", "/etc/passwd", "out.h5", "none.h5"):
        with pytest.raises(own_models.Refused):
            own_models.register(study, None, name="mine", path=path)
    row = registered(study, classifier, file=None, path="lab/net.h5")
    assert (row.state, row.reason) == (State.DONE, "")
    assert row.sha256 == storage.sha256((folder / "lab" / "net.h5").read_bytes())
    own_models.accept(row, None)
    Condition.objects.create(study=study, column="Grad-CAMs", classifier="mine", base="gradcam")
    jobs.request(study)
    with (folder / "lab" / "net.h5").open("ab") as file:
        file.write(b"\0")
    store._load.cache_clear()
    tasks.explain(list(PrecomputeJob.objects.values_list("pk", flat=True)))
    assert "was changed after it was registered" in PrecomputeJob.objects.all()[0].reason


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


def test_at_the_desk_the_owner_registers_and_editors_only_look(study: Study, classifier: str) -> None:
    ada, eve = (User.objects.create_user(name, is_staff=True) for name in ("ada", "eve"))
    Study.objects.filter(pk=study.pk).update(owner=ada)
    Membership.objects.create(study=study, user=eve, role="editor")
    address = reverse("admin:study_models", args=[study.pk])
    given = {"name": "mine", "layer": "last", "preprocessing": "tf", "fit": "crop"}
    editor, owner = Client(), Client()
    editor.force_login(eve)
    owner.force_login(ada)
    editor.post(address, {**given, "file": upload(classifier)})
    assert not OwnModel.objects.exists()
    bad = owner.post(address, {**given, "file": SimpleUploadedFile("net.keras", b"PK")})
    assert "Not taken: it is no .keras file" in bad.content.decode()
    owner.post(address, {**given, "file": upload(classifier)})
    row = OwnModel.objects.get()
    tasks.try_model([row.pk])
    assert "Look at the previews" in editor.get(address).content.decode()
    picture = editor.get(reverse("admin:study_models-picture", args=[study.pk, row.pk, 2]))
    assert picture["Content-Type"] == "image/png"
    assert editor.get(reverse("admin:study_models-picture", args=[study.pk, row.pk, 3])).status_code == 404
    conditions = reverse("admin:study_conditions", args=[study.pk])
    tick = {"tick": ["gradcam|mine", "gradcam.add-edges|mine"]}
    owner.post(conditions, tick)
    assert not study.conditions.exists()  # not accepted yet
    editor.post(address, {"verb": "accept", "model": row.pk})
    assert not own_models.usable(study)
    owner.post(address, {"verb": "accept", "model": row.pk})
    assert "mine" in owner.get(conditions).content.decode()
    owner.post(conditions, tick)
    assert study.conditions.filter(classifier="mine").count() == 2
    owner.post(address, {"verb": "remove", "model": row.pk})
    assert OwnModel.objects.exists()  # conditions use it
    study.conditions.all().delete()
    files = [row.path, *(preview["picture"] for preview in OwnModel.objects.get().found["previews"])]
    assert all(map(default_storage.exists, files))
    owner.post(address, {"verb": "remove", "model": row.pk})
    assert not OwnModel.objects.exists()
    assert not any(map(default_storage.exists, files))
    assert study.audit.filter(verb__startswith="model").count() == 3


def test_a_path_of_a_file_is_no_classifier_of_a_tick(
    study: Study, classifier: str, admin_client: Client
) -> None:
    admin_client.post(reverse("admin:study_conditions", args=[study.pk]), {"tick": [f"gradcam|{classifier}"]})
    assert not study.conditions.exists()


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


def test_the_layer_may_be_left_open_and_the_whole_picture_squashed(study: Study, classifier: str) -> None:
    row = registered(study, classifier, layer="", fit="squash")
    assert (row.state, row.reason) == (State.DONE, "")
    assert (row.found["layer"], row.definition()["layer"]) == ("last", "last")
    own_models.accept(row, None)
    Condition.objects.create(study=study, column="Grad-CAMs", classifier="mine", base="gradcam")
    jobs.request(study)
    tasks.explain(list(PrecomputeJob.objects.values_list("pk", flat=True)))
    fits = SaliencyMap.objects.filter(method="gradcam").values_list("provenance__fit", flat=True)
    assert list(fits) == ["squash"] * 6


def test_the_folder_of_a_saved_model_is_taken_from_the_operator(
    study: Study, classifier: str, tmp_path: Path, settings: Any
) -> None:
    import keras

    settings.SALIENCY_MODELS_DIR = str(tmp_path / "models")
    keras.saving.load_model(classifier.partition("@")[0]).export(tmp_path / "models" / "net", verbose=False)
    row = registered(study, classifier, file=None, path="net", layer="", class_names="")
    assert (row.state, row.reason) == (State.DONE, "")
    own_models.accept(row, None)
    Condition.objects.create(study=study, column="Grad-CAMs", classifier="mine", base="gradcam")
    jobs.request(study)
    tasks.explain(list(PrecomputeJob.objects.values_list("pk", flat=True)))
    assert set(PrecomputeJob.objects.values_list("state", "reason")) == {(State.DONE, "")}
    hashes = SaliencyMap.objects.filter(method="gradcam").values_list("provenance__weights_sha256", flat=True)
    assert set(hashes) == {row.sha256}
