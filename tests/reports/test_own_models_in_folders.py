"""Study folders take uploaded models along; `verify` compares them, and says which are not included."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command

from survey_site.stimuli import storage
from survey_site.stimuli.models import OwnModel
from survey_site.studies.models import Study
from tests.studies.sample import ready_study

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
BYTES = b"what a network is"


@pytest.fixture
def study(settings: Any, tmp_path: Path) -> Study:
    """A draft with an uploaded model and one of the operator's folder."""
    study = ready_study()
    settings.SALIENCY_MODELS_DIR = str(tmp_path / "models")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "net.h5").write_bytes(b"theirs")
    path, sha256 = storage.put_file("models", io.BytesIO(BYTES), ".keras")
    common = {
        "study": study,
        "preprocessing": "tf",
        "fit": "squash",
        "layer": "last",
        "class_names": ["cat", "dog"],
    }
    OwnModel.objects.create(name="ours", source="upload", path=path, sha256=sha256, state="done", **common)
    theirs = storage.sha256(b"theirs")
    OwnModel.objects.create(
        name="theirs", source="folder", path="net.h5", sha256=theirs, state="done", **common
    )
    return study


def verified(study: Study) -> str:
    out = io.StringIO()
    call_command("verify", study.slug, stdout=out, stderr=out)
    return out.getvalue()


def exported(study: Study, out: Path, *options: str) -> Path:
    call_command("export_study", study.slug, "--out", str(out), *options, stdout=io.StringIO())
    return out


def elsewhere(study: Study, folder: Path) -> Study:
    """The study on another installation: no rows, no files but those of the folder."""
    study.delete()
    for sha256 in (storage.sha256(BYTES),):
        default_storage.delete(storage.path_of("models", sha256, ".keras"))
    call_command("import_study", str(folder), stdout=io.StringIO())
    return Study.objects.get()


def test_verify_compares_models_and_names_what_was_changed(study: Study, tmp_path: Path) -> None:
    assert "2 models" in verified(study)
    assert "not included" not in verified(study)
    (tmp_path / "models" / "net.h5").write_bytes(b"others")
    with pytest.raises(CommandError, match="1 of"):
        verified(study)
    (tmp_path / "models" / "net.h5").write_bytes(b"theirs")
    path = study.own_models.get(name="ours").path
    default_storage.delete(path)
    default_storage.save(path, ContentFile(b"forged"))
    with pytest.raises(CommandError, match="1 of"):
        verified(study)


def test_a_folder_takes_uploaded_models_along_and_they_arrive_untried(
    study: Study, tmp_path: Path, settings: Any
) -> None:
    first = exported(study, tmp_path / "first")
    names = json.loads((first / "manifest.json").read_text())["files"]
    assert [name for name in names if name.startswith("media/models/")] == [
        f"media/{storage.path_of('models', storage.sha256(BYTES), '.keras')}"
    ]
    arrived = elsewhere(study, first)
    rows = {row.name: row for row in arrived.own_models.all()}
    assert {row.state for row in rows.values()} == {"paused"}
    assert not any(row.is_usable for row in rows.values())
    assert storage.get(rows["ours"].path) == BYTES
    assert (rows["ours"].fit, rows["ours"].class_names) == ("squash", ["cat", "dog"])
    settings.SALIENCY_MODELS_DIR = ""
    told = verified(arrived)
    assert "model not included: theirs" in told and "1 models" in told
    second = exported(arrived, tmp_path / "second")
    assert (second / "study.json").read_bytes() == (first / "study.json").read_bytes()


def test_without_media_verify_says_that_no_model_is_included(
    study: Study, tmp_path: Path, settings: Any
) -> None:
    arrived = elsewhere(study, exported(study, tmp_path / "first", "--no-media"))
    settings.SALIENCY_MODELS_DIR = ""
    told = verified(arrived)
    assert "model not included: ours" in told and "model not included: theirs" in told


def test_a_folder_of_a_study_without_models_says_nothing_of_them(study: Study, tmp_path: Path) -> None:
    study.own_models.all().delete()
    assert "models" not in json.loads((exported(study, tmp_path / "out") / "study.json").read_text())
    assert "models" not in verified(study)
