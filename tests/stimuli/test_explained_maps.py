"""What `explain` writes is taken by a study as it is: folder or zip, images known by the hash of their file."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from saliency_worker import __main__
from survey_site.protocols import freeze
from survey_site.stimuli import jobs, recompute, storage
from survey_site.stimuli.archives import Upload
from survey_site.stimuli.import_maps import import_maps
from survey_site.stimuli.intake import add_images
from survey_site.stimuli.models import PrecomputeJob, SaliencyMap
from survey_site.stimuli.uploaded_maps import BadMaps
from survey_site.studies.models import Study
from tests.factories import FACTS, task_settings
from tests.stimuli.pictures import encoded, zipped

pytestmark = [pytest.mark.tensorflow, pytest.mark.django_db, pytest.mark.usefixtures("media")]
IMAGES = 6


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for number in range(IMAGES):
        (folder / f"photo {number}.png").write_bytes(encoded(number, size=(48, 40)))
    return folder


@pytest.fixture(scope="module")
def made(photos: Path, classifier: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The --out folder of `explain` for two methods of a network that the site does not know."""
    out = tmp_path_factory.mktemp("explained")
    arguments = ["--methods", "gradcam,gradcam.add-edges", "--edges", "sobel", "--out", str(out), "--quiet"]
    assert __main__.main(["explain", str(photos), "--classifier", classifier, *arguments]) == 0
    return out


@pytest.fixture
def study(photos: Path) -> Study:
    numbers = {"pool_size": 3, "matching_trials_per_column": 1, "rating_trials_per_column": 1}
    study = Study.objects.create(
        slug="own", title="Own", practice_trials=0, target_participants=4, **FACTS, **task_settings(**numbers)
    )
    files = sorted(photos.iterdir())
    add_images(study, [Upload(file.name, file, f"class {n % 3}") for n, file in enumerate(files)])
    return study


def copied(
    made: Path, target: Path, change: Callable[[dict[str, Any]], None] = lambda manifest: None
) -> Path:
    """The folder again, its manifest changed."""
    import shutil

    shutil.copytree(made, target)
    path = target / "tiny" / "manifest.json"
    manifest = json.loads(path.read_text("utf-8"))
    change(manifest)
    path.write_text(json.dumps(manifest), "utf-8")
    return target


def test_a_folder_becomes_conditions_and_goes_live_without_anything_beside_it(
    study: Study, made: Path
) -> None:
    call_command("import_maps", study.slug, str(made))
    conditions = {(c.column, c.classifier, c.base, c.method, c.is_reference) for c in study.conditions.all()}
    assert conditions == {
        ("Grad-CAMs", "tiny", "gradcam", "", True),
        ("Ours 1", "tiny", "gradcam", "add-edges", False),
    }
    assert jobs.missing_maps(study) == []
    protocol = freeze.go_live(Study.objects.get(pk=study.pk))
    assert len(protocol.document["maps"]) == 3 * IMAGES  # the originals too


def test_the_maps_are_those_of_the_folder_with_their_provenance_and_metrics(study: Study, made: Path) -> None:
    import_maps(study, "maps", made / "tiny", None)  # one classifier's folder is as good
    images = json.loads((made / "tiny" / "manifest.json").read_text("utf-8"))["images"]
    for stem, record in images.items():
        row = SaliencyMap.objects.get(
            stimulus__upload_sha256=record["image_sha256"], method="gradcam.add-edges"
        )
        told = record["maps"]["gradcam.add-edges"]
        assert row.stimulus.key == stem.replace(" ", "-")
        assert {name: row.provenance[name] for name in told["provenance"]} == told["provenance"]
        assert (row.provenance["origin"], row.provenance["uploader"]) == (
            "explained elsewhere",
            "command line",
        )
        assert (row.metrics, row.class_index) == (told["metrics"], record["explained"]["class_index"])
        array = np.load(made / "tiny" / stem / "gradcam.add-edges.npy")
        assert storage.get(row.array_path).endswith(array.tobytes())


def test_nothing_is_computed_for_a_network_that_the_site_does_not_have(study: Study, made: Path) -> None:
    import_maps(study, "maps", made, None)
    assert jobs.methods_by_classifier(study) == {}
    assert (jobs.request(study), PrecomputeJob.objects.count()) == (0, 0)
    assert recompute.stored_maps(study) == []


def test_a_zip_of_the_folder_is_taken_at_the_desk_too(study: Study, made: Path) -> None:
    members = {
        f"maps/{path.relative_to(made).as_posix()}": path.read_bytes()
        for path in made.rglob("*")
        if path.is_file()
    }
    assert import_maps(study, "maps.zip", zipped(members), None).maps == 2 * IMAGES
    row = SaliencyMap.objects.filter(method="gradcam").order_by("pk")[0]
    assert row.provenance["upload"] == "maps.zip"


def test_images_that_the_study_lacks_are_left_out_and_told(
    study: Study, made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study.stimuli.filter(key__in=["photo-0", "photo-3"]).delete()
    call_command("import_maps", study.slug, str(made))
    out = capsys.readouterr().out
    assert "left out: photo 0, photo 3" in out and f"{2 * (IMAGES - 2)} maps stored" in out


def test_what_was_changed_on_the_way_is_refused_whole(study: Study, made: Path, tmp_path: Path) -> None:
    folder = copied(made, tmp_path / "a")
    array = folder / "tiny" / "photo 2" / "gradcam.npy"
    array.write_bytes(array.read_bytes()[:-4] + np.float32(0.123).tobytes())
    (folder / "tiny" / "photo 4" / "gradcam.png").unlink()
    with pytest.raises(CommandError) as caught:
        call_command("import_maps", study.slug, str(folder))
    assert "photo 2/gradcam: gradcam.npy was changed" in str(caught.value)
    assert "photo 4/gradcam: gradcam.png is missing" in str(caught.value)
    assert not SaliencyMap.objects.exists()


def _other_image(manifest: dict[str, Any]) -> None:
    for record in manifest["images"].values():
        record["image_sha256"] = "0" * 64


def _other_colours(manifest: dict[str, Any]) -> None:
    manifest["settings"]["colour_map"] = "viridis"


def _no_maps(manifest: dict[str, Any]) -> None:
    next(iter(manifest["images"].values()))["maps"] = [1]


def _unknown_method(manifest: dict[str, Any]) -> None:
    maps = next(iter(manifest["images"].values()))["maps"]
    maps["mystery"] = maps.pop("gradcam")


def _nul(manifest: dict[str, Any]) -> None:
    next(iter(manifest["images"].values()))["explained"]["class_name"] = "a\0b"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_other_image, "no map of an image of this study"),
        (_other_colours, "--colour-map jet"),
        (_no_maps, "not as explain writes it"),
        (_unknown_method, "mystery: no method of this site"),
        (_nul, "no text has"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused_in_words(
    study: Study, made: Path, tmp_path: Path, change: Callable[[dict[str, Any]], None], told: str
) -> None:
    folder = copied(made, tmp_path / "a", change)
    with pytest.raises(BadMaps, match=told):
        import_maps(study, "a", folder, None)
    assert not SaliencyMap.objects.exists()
