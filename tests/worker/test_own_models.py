"""A network of one's own, once it is accepted: used like the catalogue's, in the worker and at the desk."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from saliency_worker import model_trial, store, tasks
from survey_site.design import canonical
from survey_site.protocols import freeze
from survey_site.stimuli import jobs, own_models, storage
from survey_site.stimuli.models import OwnModel, PrecomputeJob, SaliencyMap
from survey_site.studies.models import Condition, Membership, Study
from tests.worker.registering import NAMES, State, registered, study_of_six, tried_here, upload

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.tensorflow]


@pytest.fixture(autouse=True)
def trials(monkeypatch: pytest.MonkeyPatch) -> None:
    """They run in this process."""
    monkeypatch.setattr(model_trial, "_run", tried_here)


@pytest.fixture
def study(db: None, media: Path, classifier: str, settings: Any, tmp_path: Path) -> Study:
    return study_of_six(settings, tmp_path)


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
