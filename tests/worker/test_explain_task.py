"""The worker's task with the real engine: maps, provenance and states; failures by their policy."""

import io

import numpy as np
import pytest
from PIL import Image

from saliency_worker import store, tasks
from saliency_worker.saliency import images as decoding
from saliency_worker.saliency.explain import Explainer
from saliency_worker.saliency.settings import Settings
from survey_site.stimuli import jobs, leased_rows, storage
from survey_site.stimuli.models import MapPicture, PrecomputeJob, SaliencyMap, StimulusFeatures
from survey_site.studies.models import Condition, Study
from tests.stimuli.ranked import show_ranks

pytestmark = [pytest.mark.django_db, pytest.mark.tensorflow]
State = PrecomputeJob.State


def ordered(study: Study) -> list[int]:
    jobs.request(study)
    return list(PrecomputeJob.objects.order_by("pk").values_list("pk", flat=True))


def states() -> set[str]:
    return set(PrecomputeJob.objects.values_list("state", flat=True))


def test_every_map_is_stored_with_array_picture_provenance_and_metrics(study: Study) -> None:
    tasks.explain(ordered(study))
    assert states() == {State.DONE}
    maps = list(SaliencyMap.objects.all())
    assert len(maps) == 3 * 5  # four conditions and the original
    for row in maps:
        array = np.load(io.BytesIO(storage.get(row.array_path)))
        assert (array.shape, array.dtype) == ((32, 32), np.float32)
        picture = row.pictures.get()
        assert storage.sha256(storage.get(picture.path)) == picture.sha256
        assert row.provenance["image_sha256"] == row.stimulus.sha256
        assert row.parameters_hash == row.provenance["parameters_hash"]
    edges = SaliencyMap.objects.filter(method="gradcam.add-edges").first()
    assert edges is not None
    assert "sobel" in str(edges.provenance).lower()
    assert "hed" not in str(edges.provenance.get("edges", "")).lower()
    assert edges.metrics is not None
    assert study_is_ready(study)


def study_is_ready(study: Study) -> bool:
    return jobs.missing_maps(study) == []


def test_the_original_is_the_crop_that_the_network_sees(study: Study) -> None:
    tasks.explain(ordered(study))
    path = MapPicture.objects.filter(saliency_map__method="original").values_list("path", flat=True)[0]
    with Image.open(io.BytesIO(storage.get(path))) as image:
        assert (image.size, image.mode) == ((32, 32), "RGB")


def test_the_features_of_each_image_are_stored_for_pools_of_similar_ones(study: Study) -> None:
    tasks.explain(ordered(study))
    assert [len(row.vector) for row in StimulusFeatures.objects.all()] == [8, 8, 8]


def test_running_the_task_again_changes_nothing(study: Study) -> None:
    ids = ordered(study)
    tasks.explain(ids)
    before = list(SaliencyMap.objects.order_by("pk").values("pk", "array_sha256", "parameters_hash"))
    tasks.explain(ids)
    PrecomputeJob.objects.update(state=State.QUEUED)
    tasks.explain(ids)
    assert list(SaliencyMap.objects.order_by("pk").values("pk", "array_sha256", "parameters_hash")) == before


def test_another_colour_map_hangs_a_second_picture_below_the_same_map(study: Study) -> None:
    tasks.explain(ordered(study))
    Study.objects.filter(pk=study.pk).update(colour_map="viridis")
    study.refresh_from_db()
    tasks.explain(ordered(study))
    assert SaliencyMap.objects.count() == 3 * 5
    row = SaliencyMap.objects.filter(method="gradcam").first()
    assert row is not None
    assert set(row.pictures.values_list("colour_map", flat=True)) == {"jet", "viridis"}


def test_an_unknown_classifier_fails_for_good_with_the_nearest_name(study: Study) -> None:
    Condition.objects.filter(study=study).update(classifier="MobileNetV3")
    tasks.explain(ordered(study))
    job = PrecomputeJob.objects.first()
    assert job is not None
    assert (job.state, job.permanent) == (State.FAILED, True)
    assert "MobileNetV2" in job.reason


def test_a_missing_weights_file_fails_with_a_reason(study: Study) -> None:
    Condition.objects.filter(study=study).update(classifier="/nowhere/model.keras@last")
    tasks.explain(ordered(study))
    job = PrecomputeJob.objects.first()
    assert job is not None
    assert job.state == State.FAILED
    assert "/nowhere/model.keras" in job.reason


def test_an_altered_image_fails_alone_and_the_others_are_explained(study: Study) -> None:
    ids = ordered(study)
    stimulus = study.stimuli.get(key="1")
    from django.core.files.storage import default_storage

    with default_storage.open(stimulus.path, "wb") as handle:
        handle.write(b"something else")
    tasks.explain(ids)
    assert PrecomputeJob.objects.get(stimulus=stimulus).state == State.FAILED
    assert "altered" in PrecomputeJob.objects.get(stimulus=stimulus).reason
    assert PrecomputeJob.objects.filter(state=State.DONE).count() == 2


def test_a_storage_that_is_full_leaves_no_row_and_is_tried_again(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> tuple[str, str]:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store.storage, "put", full)
    tasks.explain(ordered(study))
    assert SaliencyMap.objects.count() == 0
    job = PrecomputeJob.objects.first()
    assert job is not None
    assert (job.state, job.permanent) == (State.QUEUED, False)
    assert "No space left" in job.reason
    assert job.not_before is not None


def test_a_worker_that_lost_its_lease_stores_nothing(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leased_rows, "finish", lambda job, worker: False)
    tasks.explain(ordered(study))
    assert SaliencyMap.objects.count() == 0


def test_a_further_class_is_explained_as_if_it_had_been_given(
    study: Study, classifier: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    show_ranks(monkeypatch, 0, 1)
    assert "0: no map of gradcam by" in jobs.missing_maps(study)[0]
    tasks.explain(ordered(study))
    assert states() == {State.DONE}
    assert study_is_ready(study)
    further = SaliencyMap.objects.filter(rank=1, current=True).select_related("stimulus")
    assert further.count() == 3 * 4  # the original explains no class
    engines: dict[int, Explainer] = {}
    methods = tuple(sorted({row.method for row in further}))
    for row in further:
        index = row.class_index
        if index not in engines:
            settings = Settings(methods, edges="sobel", colour_map="jet", metrics=False, target_class=index)
            engines[index] = Explainer.load(classifier, settings)
        image = decoding.decode(storage.get(row.stimulus.path))
        (given,) = engines[index].explain([(row.stimulus.sha256, image)])
        array = np.load(io.BytesIO(storage.get(row.array_path)))
        np.testing.assert_allclose(array, given.maps[row.method].scalar, atol=1e-6)
        assert (row.provenance["rank"], row.provenance["class_index"]) == (1, row.class_index)
        assert row.class_name == given.class_name
        assert row.metrics is None
        predicted = SaliencyMap.objects.get(stimulus=row.stimulus, method=row.method, rank=0, current=True)
        assert predicted.class_index != row.class_index
        assert predicted.metrics is not None


def test_further_classes_are_added_to_maps_that_stay_as_they_were(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks.explain(ordered(study))
    before = list(
        SaliencyMap.objects.order_by("pk").values("pk", "array_sha256", "parameters_hash", "current")
    )
    show_ranks(monkeypatch, 0, 1)
    ids = ordered(study)
    assert states() == {State.QUEUED}
    tasks.explain(ids)
    own = SaliencyMap.objects.filter(rank=0).order_by("pk")
    assert list(own.values("pk", "array_sha256", "parameters_hash", "current")) == before
    PrecomputeJob.objects.update(state=State.QUEUED)
    tasks.explain(ids)
    assert SaliencyMap.objects.filter(rank=1).count() == 3 * 4


def test_a_classifier_with_too_few_classes_fails_for_good(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    show_ranks(monkeypatch, 0, 5)
    tasks.explain(ordered(study))
    assert states() == {State.FAILED}
    assert set(PrecomputeJob.objects.values_list("permanent", flat=True)) == {True}
    reason = PrecomputeJob.objects.all()[0].reason
    assert reason.startswith("Maps of the 6 likeliest classes are asked for, but ")
    assert "tells 5 classes apart" in reason
    assert any(line.endswith("for the network's 6th class") for line in jobs.missing_maps(study))


def test_maps_explain_the_images_own_class_where_the_study_says_so(study: Study) -> None:
    Study.objects.filter(pk=study.pk).update(explain_own_class=True)
    study.refresh_from_db()
    for number, stimulus in enumerate(study.stimuli.order_by("key")):
        stimulus.stimulus_class = str(number + 2) if number else "horse"  # the tiny network has no names
        stimulus.save()
    tasks.explain(ordered(study))
    told = {job.stimulus.key: (job.state, job.reason) for job in PrecomputeJob.objects.all()}
    assert told["0"][0] == State.FAILED
    assert "0: 'horse' is no index, and the network has no class names" in told["0"][1]
    assert told["1"][0] == told["2"][0] == State.DONE
    found = SaliencyMap.objects.filter(method="gradcam").values_list("stimulus__key", "class_index")
    assert dict(found) == {"1": 3, "2": 4}
    Study.objects.filter(pk=study.pk).update(explain_own_class=False)
    study.refresh_from_db()
    tasks.explain(ordered(study))
    assert SaliencyMap.objects.filter(method="gradcam", current=True).count() == 3
    assert "target" not in SaliencyMap.objects.filter(method="gradcam", current=True)[0].provenance
