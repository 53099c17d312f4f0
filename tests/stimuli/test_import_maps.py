"""Maps made elsewhere: judged whole, stored whole, and shown like any other map."""

import io
import json
import re
from collections.abc import Mapping

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from PIL import Image

from survey_site.desk.study_inlines import ConditionForm
from survey_site.protocols import freeze
from survey_site.protocols.models import ServedImage
from survey_site.stimuli import jobs, storage
from survey_site.stimuli.import_maps import import_maps, labels_of
from survey_site.stimuli.models import MapPicture, SaliencyMap
from survey_site.stimuli.uploaded_maps import BadMaps, method_key
from survey_site.studies.models import Condition, Study
from survey_site.trials.frozen_protocol import frozen_protocol
from tests.factories import change_task
from tests.stimuli.pictures import zipped
from tests.stimuli.test_arrays import npy, png
from tests.studies.sample import ready_study

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
SIDE = 24


@pytest.fixture
def study() -> Study:
    return ready_study()


def array(seed: int, side: int = SIDE) -> np.ndarray:
    return np.random.default_rng(seed).random((side, side)).astype("<f4")


def upload(
    study: Study,
    *,
    manifest: str | None = None,
    files: Mapping[str, bytes] | None = None,
    method: str = "RISE (500)",
    classifier: str = "RISE-net",
) -> bytes:
    """A zip with one `.npy` for every image of the study, changed as the test wants."""
    keys = list(study.stimuli.values_list("key", flat=True))
    members = {f"maps/{key}.npy": npy(array(number)) for number, key in enumerate(keys)}
    lines = ["file,stimulus,method,classifier"]
    lines += [f"maps/{key}.npy,{key},{method},{classifier}" for key in keys]
    members["manifest.csv"] = ("\n".join(lines) if manifest is None else manifest).encode()
    return zipped({k: v for k, v in (members | dict(files or {})).items() if v != b"gone"})


def test_uploaded_maps_become_a_condition_and_go_live_like_any_other(study: Study) -> None:
    stored = import_maps(study, "rise.zip", upload(study), None)
    assert (stored.maps, stored.conditions) == (9, 1)
    condition = study.conditions.get(classifier="RISE-net")
    assert (condition.column, condition.base, condition.key) == ("RISE (500)", "", "rise-500")
    assert jobs.missing_maps(study) == []
    assert jobs.methods_by_classifier(study).keys() == {"MobileNetV2"}
    change_task(study, "matching", pool_size=2)  # three columns with the six images
    protocol = freeze.go_live(Study.objects.get(pk=study.pk))
    maps = [m for m in protocol.document["maps"] if m["classifier"] == "RISE-net"]
    assert len(maps) == 2 * 9  # a map and an original of every image
    assert ServedImage.objects.filter(saliency_map__method="rise-500").count() == 9
    stimulus = study.stimuli.all()[0]
    shown = SaliencyMap.objects.get(stimulus=stimulus, method="rise-500")
    assert frozen_protocol(protocol.pk).picture(stimulus.pk, condition.pk).saliency_map == shown.pk


def test_each_map_carries_its_own_provenance(study: Study) -> None:
    user = User.objects.create_user("ada")
    import_maps(study, "rise.zip", upload(study), user)
    row = SaliencyMap.objects.get(stimulus__key="m0", method="rise-500")
    data = npy(array(0))
    assert row.provenance == {
        "origin": "uploaded",
        "upload": "rise.zip",
        "uploader": "ada",
        "file": "maps/m0.npy",
        "file_sha256": storage.sha256(data),
        "label": "RISE (500)",
        "classifier_label": "RISE-net",
        "kind": "numbers",
        "side": SIDE,
        "image_sha256": row.stimulus.sha256,
    }
    assert storage.get(row.array_path) == data
    original = SaliencyMap.objects.get(stimulus__key="m0", classifier="RISE-net", method="original")
    assert original.provenance["original_from"] == "Pillow, from the image"
    picture = MapPicture.objects.get(saliency_map=original, colour_map="jet")
    assert Image.open(io.BytesIO(storage.get(picture.path))).size == (SIDE, SIDE)


def test_another_colour_map_of_the_study_needs_no_new_upload(study: Study) -> None:
    import_maps(study, "rise.zip", upload(study), None)
    study.conditions.exclude(classifier="RISE-net").delete()
    Study.objects.filter(pk=study.pk).update(colour_map="viridis")
    assert jobs.missing_maps(Study.objects.get(pk=study.pk)) == []


def test_the_same_zip_twice_stores_nothing_twice_and_a_new_file_becomes_current(study: Study) -> None:
    for _ in range(2):
        import_maps(study, "rise.zip", upload(study), None)
    rows = SaliencyMap.objects.filter(method="rise-500")
    assert rows.count() == 9
    import_maps(study, "again.zip", upload(study, files={"maps/m0.npy": npy(array(99))}), None)
    assert rows.filter(stimulus__key="m0", current=True).get().provenance["upload"] == "again.zip"
    assert rows.count() == 10
    assert study.conditions.filter(method="rise-500").count() == 1


def test_maps_for_a_classifier_of_the_catalogue_use_its_size_and_its_original(study: Study) -> None:
    with pytest.raises(BadMaps, match="24 × 24, but the maps of MobileNetV2 are 224 × 224"):
        import_maps(study, "rise.zip", upload(study, classifier="mobilenetv2"), None)
    key = "m0"
    data = zipped(
        {
            "a.npy": npy(array(0, 224)),
            "manifest.json": json.dumps(
                [{"file": "a.npy", "stimulus": key, "method": "Extremal", "classifier": "MobileNetV2"}]
            ).encode(),
        }
    )
    import_maps(study, "lime.zip", data, None)
    assert SaliencyMap.objects.filter(method="original", stimulus__key=key).count() == 1
    assert jobs.methods_by_classifier(study) == {"MobileNetV2": ("gradcam", "gradcam.add-edges", "original")}
    assert all("no map of extremal uploaded for MobileNetV2" in line for line in jobs.missing_maps(study))


HEAD = "file,stimulus,method,classifier\n"
BAD = {
    "no manifest": ({"files": {"manifest.csv": b"gone"}}, ["no manifest"]),
    "two manifests": ({"files": {"manifest.json": b"[]"}}, ["2 manifest"]),
    "a manifest without maps": ({"manifest": HEAD}, ["lists no map"]),
    "a column missing": ({"manifest": "file,method\na,b"}, ["lacks stimulus"]),
    "an empty cell": ({"manifest": HEAD + "maps/m0.npy,,RISE,x"}, ["entry 1: no stimulus"]),
    "a file that is not there": ({"files": {"maps/m0.npy": b"gone"}}, ["maps/m0.npy: listed in the manifest"]),
    "a file that is not listed": ({"files": {"more.npy": b"x"}}, ["more.npy: in the zip, but not listed"]),
    "an unknown image": ({"manifest": HEAD + "maps/m0.npy,nobody,RISE,x"}, ["no image with the key 'nobody'"]),
    "the same twice": (
        {"manifest": HEAD + "maps/m0.npy,m0,RISE,x\nmaps/m1.npy,m0,RISE,x"},
        ["maps/m1.npy: the same image, classifier and method as maps/m0.npy"],
    ),
    "a computed method": ({"method": "Original"}, ["'Original' is a method that this platform computes"]),
    "a label without letters": ({"method": "+++"}, ["need letters or digits"]),
    "an array that is no map": ({"files": {"maps/m0.npy": npy(array(0) * 2)}}, ["maps/m0.npy: its values reach"]),
    "another size": ({"files": {"maps/m3.npy": npy(array(0, 25))}}, ["maps/m3.npy: 25 × 25, but"]),
    "several at once": (
        {"files": {"maps/m0.npy": b"gone", "maps/m1.npy": b"junk", "more.npy": b"x"}},
        ["maps/m0.npy: listed", "maps/m1.npy: it is no .npy", "more.npy: in the zip"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("change", "says"), BAD.values(), ids=BAD)
def test_a_bad_upload_names_every_problem_and_stores_nothing(
    study: Study, change: dict[str, object], says: list[str]
) -> None:
    maps, conditions = SaliencyMap.objects.count(), Condition.objects.count()
    with pytest.raises(BadMaps) as caught:
        import_maps(study, "bad.zip", upload(study, **change), None)  # type: ignore[arg-type]
    told = "\n".join(caught.value.problems)
    assert all(words in told for words in says), told
    assert (SaliencyMap.objects.count(), Condition.objects.count()) == (maps, conditions)


def test_a_sealed_study_takes_no_maps(study: Study) -> None:
    freeze.go_live(study)
    with pytest.raises(BadMaps, match="new version"):
        import_maps(study, "rise.zip", upload(study), None)


def test_the_command_imports_or_says_why_not(study: Study, tmp_path: object) -> None:
    path = tmp_path / "rise.zip"  # type: ignore[operator]
    path.write_bytes(upload(study, files={"maps/m0.npy": b"gone"}))
    with pytest.raises(CommandError, match="nothing was stored"):
        call_command("import_maps", study.slug, path)
    path.write_bytes(upload(study))
    call_command("import_maps", study.slug, path, "--no-conditions")
    assert study.conditions.count() == 2
    assert SaliencyMap.objects.filter(method="rise-500").count() == 9


def test_the_page_stores_a_zip_or_lists_what_is_wrong(admin_client: Client, study: Study) -> None:
    url = reverse("admin:study_upload-maps", args=[study.pk])

    def post(data: bytes) -> str:
        form = {"archive": SimpleUploadedFile("rise.zip", data), "add_conditions": "on"}
        return admin_client.post(url, form, follow=True).content.decode()

    assert "more.npy: in the zip, but not listed" in post(upload(study, files={"more.npy": b"x"}))
    assert SaliencyMap.objects.filter(method="rise-500").count() == 0
    page = post(upload(study))
    assert "9 maps stored" in page
    assert "Maps made elsewhere" in page  # their group on the page of conditions
    assert re.search(r'value="rise-500\|RISE-net"[^>]* checked', page)


def test_the_matrix_keeps_uploaded_conditions_and_refuses_impossible_ones(
    admin_client: Client, study: Study
) -> None:
    import_maps(study, "rise.zip", upload(study), None)
    url = reverse("admin:study_conditions", args=[study.pk])
    admin_client.post(url, {"tick": ["gradcam|MobileNetV2", "rise-500|RISE-net"], "column:rise-500": "RISE"})
    assert set(study.conditions.values_list("column", "method")) == {("Grad-CAMs", ""), ("RISE", "rise-500")}
    page = admin_client.post(url, {"tick": ["rise-500|VGG16"]}, follow=True).content.decode()
    assert "No maps of RISE (500) were uploaded for VGG16" in page
    assert study.conditions.count() == 2


def test_the_form_of_a_condition_knows_uploaded_methods_of_its_own_study_only(study: Study) -> None:
    import_maps(study, "rise.zip", upload(study), None)
    data = {"column": "R", "column_order": 5, "classifier": "RISE-net", "base": "", "method": "rise-500"}
    assert ConditionForm(data, instance=Condition(study=study)).is_valid()
    other = ready_study(slug="other")
    assert not ConditionForm(data, instance=Condition(study=other)).is_valid()


def test_labels_are_those_written_and_looked_up_of_uploaded_methods_alone(study: Study) -> None:
    with CaptureQueriesContext(connection) as captured:
        assert labels_of(study) == {}
    assert [query for query in captured if "provenance" in query["sql"]] == []
    for label, classifier in (("RISE (500)", "RISE-net"), ("1e3", "a")):
        import_maps(study, "rise.zip", upload(study, method=label, classifier=classifier), None)
    assert sorted(labels_of(study).values()) == ["1e3", "RISE (500)"]


def test_labels_become_short_plain_keys() -> None:
    assert method_key("  Größe & Form (v2) ") == "groe-form-v2"
    assert len(method_key("x" * 90)) == 30


def test_a_coloured_png_is_shown_as_it_is(study: Study) -> None:
    colours = np.random.default_rng(1).integers(0, 255, (SIDE, SIDE, 3), np.uint8)
    data = zipped({"a.png": png(colours), "manifest.csv": (HEAD + "a.png,m0,Overlay,").encode()})
    import_maps(study, "overlay.zip", data, None)
    row = SaliencyMap.objects.get(method="overlay")
    assert (row.array_path, row.provenance["kind"], row.classifier) == ("", "picture", "uploaded")
    shown = Image.open(io.BytesIO(storage.get(row.pictures.get(colour_map="jet").path)))
    assert np.array_equal(np.asarray(shown), colours[..., ::-1])
