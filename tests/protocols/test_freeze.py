"""Going live: refused with words while something is missing, sealed under a hash, changed by versions only."""

import copy
import io

import numpy as np
import pytest
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.test import Client
from PIL import Image

from survey_site.design import canonical
from survey_site.design.assignment import plan
from survey_site.protocols import document as document_module
from survey_site.protocols import freeze, life, served_images
from survey_site.protocols.document import design_of, outline
from survey_site.protocols.models import Protocol, ServedImage
from survey_site.stimuli import storage
from survey_site.stimuli.models import MapPicture, SaliencyMap, Stimulus
from survey_site.studies.models import Condition, Study
from survey_site.studies.states import StateForbids
from tests.stimuli.pictures import encoded
from tests.studies.sample import ready_study

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


def test_a_ready_study_goes_live_under_the_hash_of_its_document() -> None:
    study = ready_study()
    protocol = freeze.go_live(study)
    assert study.state == Study.State.LIVE
    assert protocol.hash == canonical.sha256(protocol.document)
    assert protocol.document["design"]["image_px"] == 48


@pytest.mark.parametrize("page", [False, True], ids=["go_live", "the page before it"])
def test_the_document_is_laid_out_once(
    page: bool, admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = ready_study(require_rehearsal=False)
    freeze.go_live(study)
    life.step(study, "version")
    asked: list[object] = []

    def counted(*args: object, **options: object) -> object:
        asked.append(args)
        return outline(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(document_module, "outline", counted)
    if page:
        assert (
            "as it would be sealed now"
            in admin_client.get(f"/admin/studies/study/{study.pk}/live/").content.decode()
        )
    else:
        freeze.go_live(study)
    assert len(asked) == 1


def test_it_refuses_while_a_map_is_missing_and_says_which() -> None:
    study = ready_study()
    SaliencyMap.objects.get(stimulus__key="m2", method="gradcam.add-edges").delete()
    with pytest.raises(freeze.NotReady, match=r"m2: no map of gradcam\.add-edges by MobileNetV2"):
        freeze.go_live(study)
    assert Protocol.objects.count() == 0
    study.refresh_from_db()
    assert study.state == Study.State.DRAFT


def test_a_map_under_another_colour_map_counts_as_missing() -> None:
    study = ready_study(colour_map="viridis")
    found = freeze.problems(study, freeze.draft_of(study))
    assert len(found) == 3 and found[0] == "9 images: no map of gradcam by MobileNetV2 (m0, m1, m2, …)"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"images": 5}, "Add 1"),
        ({"reserve": 2}, "Mark 1 more images as reserve"),
        ({"matching_trials_per_column": 0, "rating_trials_per_column": 0}, "no trial"),
    ],
    ids=["one image short", "one reserve image short", "no trial"],
)
def test_an_impossible_design_is_refused_with_what_to_change(change: dict[str, int], says: str) -> None:
    with pytest.raises(freeze.NotReady, match=says):
        freeze.go_live(ready_study(**change))  # type: ignore[arg-type]


def test_a_study_without_conditions_or_images_says_so() -> None:
    study = Study.objects.create(slug="empty", title="Empty")
    assert "no conditions" in freeze.problems(study, freeze.draft_of(study))[0]
    Condition.objects.create(study=study, column="Grad-CAMs", classifier="VGG16", base="gradcam")
    assert "no images" in freeze.problems(study, freeze.draft_of(study))[0]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"exclusion_rules": {"fastest_ms": 400}}, "unknown exclusion rules: fastest_ms"),
        ({"exclusion_rules": {"rt_min_ms": "soon"}}, "numbers of at least 0, or null: rt_min_ms"),
        ({"analysis_plan": {"levle": 0.9}}, "unknown settings of the analysis plan: levle"),
        ({"analysis_plan": {"level": "high"}}, "wrong kind"),
    ],
)
def test_rules_that_the_report_could_not_follow_are_refused(change: dict[str, object], says: str) -> None:
    study = ready_study()
    Study.objects.filter(pk=study.pk).update(**change)
    with pytest.raises(freeze.NotReady, match=says):
        freeze.go_live(Study.objects.get(pk=study.pk))


def test_a_text_that_cannot_be_sealed_is_a_line_of_the_check() -> None:
    study = ready_study()
    study.analysis_plan = {"reference": "\ud800"}
    draft = freeze.draft_of(study)
    assert (draft.document, draft.hash) == (None, "")
    assert any("analysis" in line for line in draft.problems), draft.problems
    with pytest.raises(freeze.NotReady):
        freeze.go_live(study)
    assert not Protocol.objects.exists()


def test_the_same_design_has_the_same_hash_and_any_change_another() -> None:
    study = ready_study()
    document = freeze.draft_of(study).document
    assert canonical.sha256(document) == canonical.sha256(copy.deepcopy(freeze.draft_of(study).document))
    for change in ({"lease_minutes": 61}, {"seed": 8}, {"exclusion_rules": {"min_rt_ms": 400}}):
        Study.objects.filter(pk=study.pk).update(**change)
        changed = freeze.draft_of(Study.objects.get(pk=study.pk)).document
        assert canonical.sha256(changed) != canonical.sha256(document)
        document = changed


def test_a_live_study_cannot_go_live_again_but_a_new_version_can() -> None:
    study = ready_study()
    first = freeze.go_live(study)
    with pytest.raises(StateForbids, match="“New version"):
        freeze.go_live(study)
    life.step(study, "version")
    Study.objects.filter(pk=study.pk).update(lease_minutes=30)
    second = freeze.go_live(Study.objects.get(pk=study.pk))
    assert (first.version, second.version) == (1, 2)
    assert first.hash != second.hash
    first.refresh_from_db()
    assert first.hash == canonical.sha256(first.document)


def test_every_picture_has_one_size_format_and_byte_length_under_a_random_name() -> None:
    study = ready_study()
    add_small_picture(study)
    freeze.go_live(study)
    images = list(ServedImage.objects.select_related("saliency_map"))
    assert len(images) == 9 * 3
    data = [storage.get(image.path) for image in images]
    assert len({len(each) for each in data}) == 1
    assert len({each[:33] for each in data}) == 1  # signature and header: size, depth, colour type
    assert len(set(data)) == len(data)
    assert not any(image.saliency_map.array_sha256[:8] in image.path for image in images)


def add_small_picture(study: Study) -> None:
    """Makes one map's picture smaller than the others, as another classifier's would be."""
    path, digest = storage.put("maps", encoded(5, size=(24, 24)), ".png")
    picture = MapPicture.objects.filter(saliency_map__stimulus__study=study).first()
    assert picture is not None
    MapPicture.objects.filter(pk=picture.pk).update(path=path, sha256=digest)


def test_the_padding_changes_no_pixel() -> None:
    png = served_images.encode(encoded(3, size=(32, 32)), 32)
    padded = served_images.pad(png, served_images.common_length(len(png)))
    assert len(padded) % served_images.LENGTH_STEP == 0
    with Image.open(io.BytesIO(padded)) as image:
        assert image.info == {}
        assert np.array_equal(np.asarray(image), np.asarray(Image.open(io.BytesIO(png))))


def test_a_failed_freeze_leaves_no_served_file(monkeypatch: pytest.MonkeyPatch) -> None:
    study = ready_study()

    def refuse(*_: object, **__: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(ServedImage.objects, "bulk_create", refuse)
    with pytest.raises(OSError, match="disk full"):
        freeze.go_live(study)
    folders = default_storage.listdir("served")[0]
    assert [file for folder in folders for file in default_storage.listdir(f"served/{folder}")[1]] == []
    study.refresh_from_db()
    assert study.state == Study.State.DRAFT


def test_the_sealed_design_plans_the_tickets() -> None:
    study = ready_study()
    design = design_of(freeze.go_live(study))
    trials = plan(design, 0)
    assert [t.task for t in trials if t.block != "practice"] == ["matching"] * 2 + ["rating"] * 2
    conditions = set(study.conditions.values_list("pk", flat=True))
    assert {t.condition for t in trials if t.column is not None} == conditions
    reserve = set(study.stimuli.filter(role=Stimulus.Role.RESERVE).values_list("key", flat=True))
    assert {t.target for t in trials if t.block == "practice"} <= reserve


def test_the_command_seals_or_says_what_is_missing() -> None:
    study = ready_study()
    call_command("go_live", "sample", "--pilot")
    study.refresh_from_db()
    assert study.state == Study.State.PILOT
    assert study.protocols.get().pilot
    with pytest.raises(CommandError, match="no study"):
        call_command("go_live", "nothing")


def test_a_pilot_goes_live_under_a_protocol_of_its_own() -> None:
    study = ready_study()
    freeze.go_live(study, pilot=True)
    protocol = freeze.go_live(study)
    assert (study.state, protocol.version, protocol.pilot) == (Study.State.LIVE, 2, False)
