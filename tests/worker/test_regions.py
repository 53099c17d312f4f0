"""The pointing game of a study's maps: with the explanation, and afterwards for maps that are there."""

import io

import numpy as np
import pytest

from saliency_worker import store, tasks
from saliency_worker.saliency.activations import Network
from survey_site.stimuli import jobs, leased_rows, storage
from survey_site.stimuli.archives import Upload
from survey_site.stimuli.models import PrecomputeJob, SaliencyMap
from survey_site.stimuli.regions import add_regions, remove_regions
from survey_site.studies.models import Study

pytestmark = [pytest.mark.django_db, pytest.mark.tensorflow]
State = PrecomputeJob.State


def boxes(study: Study, *rows: str) -> None:
    add_regions(study, [Upload("boxes.csv", "\n".join(rows).encode())])


def work(study: Study) -> None:
    jobs.request(study)
    tasks.explain(list(PrecomputeJob.objects.order_by("pk").values_list("pk", flat=True)))
    assert set(PrecomputeJob.objects.values_list("state", flat=True)) == {State.DONE}


def pointing(study: Study, key: str) -> dict[str, float | None]:
    """By method, of the maps that have it."""
    rows = SaliencyMap.objects.filter(stimulus__study=study, stimulus__key=key)
    return {
        f"{m.classifier[-4:]} {m.method}": m.metrics["pointing"]
        for m in rows
        if "pointing" in (m.metrics or {})
    }


def expected(study: Study, key: str, *, left_of: int) -> dict[str, float]:
    """The same by hand, for a region that is all of the picture's columns before ``left_of`` as the network sees it."""
    found = {}
    for row in SaliencyMap.objects.filter(stimulus__study=study, stimulus__key=key):
        scalar = np.load(io.BytesIO(storage.get(row.array_path)))
        places = np.argwhere(scalar == scalar.max())
        found[f"{row.classifier[-4:]} {row.method}"] = float((places[:, 1] < left_of).mean())
    return found


def test_maps_of_an_image_with_a_region_have_the_pointing_game(study: Study) -> None:
    # 48x40, of which the network sees columns 4 to 44 at 32 pixels: 24 is its middle.
    boxes(study, "0,0,0,24,40")
    work(study)
    assert pointing(study, "0") == expected(study, "0", left_of=16) and len(pointing(study, "0")) == 5
    assert pointing(study, "1") == {}


def test_what_was_given_changed_and_taken_away_is_measured_anew(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    work(study)
    before = {row.pk: row.metrics for row in SaliencyMap.objects.all()}
    with monkeypatch.context() as patched:
        patched.setattr(Network, "explain", None)  # no pass: the maps are there
        boxes(study, "0,0,0,24,40")
        assert PrecomputeJob.objects.filter(region_only=True, state=State.QUEUED).count() == 1
        work(study)
        assert pointing(study, "0") == expected(study, "0", left_of=16)
        assert not PrecomputeJob.objects.filter(region_only=True).exists()
        boxes(study, "0,0,0,4,40")  # cut off: the network sees nothing of it
        work(study)
        assert set(pointing(study, "0").values()) == {None}
        remove_regions(study.stimuli.all())
        work(study)
    assert {row.pk: row.metrics for row in SaliencyMap.objects.all()} == before
    assert not any(row.seal_fault() for row in SaliencyMap.objects.all())


def test_maps_without_metrics_get_none(study: Study) -> None:
    jobs.request(study, metrics=False)
    tasks.explain(list(PrecomputeJob.objects.order_by("pk").values_list("pk", flat=True)))
    boxes(study, "0,0,0,24,40")
    tasks.explain(list(PrecomputeJob.objects.order_by("pk").values_list("pk", flat=True)))
    assert set(PrecomputeJob.objects.values_list("state", "reason")) == {(State.DONE, "")}
    assert set(SaliencyMap.objects.values_list("metrics", flat=True)) == {None}


def test_a_map_that_somebody_changed_is_not_sealed_anew_with_it(study: Study) -> None:
    work(study)
    row = SaliencyMap.objects.filter(stimulus__key="0").first()
    assert row is not None
    SaliencyMap.objects.filter(pk=row.pk).update(class_name="forged")
    boxes(study, "0,0,0,24,40")
    work(study)
    row.refresh_from_db()
    assert row.seal_fault()


def test_an_altered_region_fails_its_image_in_words(study: Study) -> None:
    boxes(study, "0,0,0,24,40")
    type(study.stimuli.get(key="0")).objects.filter(key="0").update(region_sha256="0" * 64)
    jobs.request(study)
    tasks.explain(list(PrecomputeJob.objects.order_by("pk").values_list("pk", flat=True)))
    (failed,) = PrecomputeJob.objects.filter(state=State.FAILED)
    assert failed.stimulus.key == "0" and "give its boxes or its mask again" in failed.reason


def test_a_region_that_changes_while_maps_are_pointed_at_is_not_lost(study: Study) -> None:
    work(study)
    boxes(study, "0,0,0,24,40")
    (job,) = leased_rows.claim(PrecomputeJob, list(PrecomputeJob.objects.values_list("pk", flat=True)), "w")
    boxes(study, "0,0,0,4,40")
    store.point(job, "w")
    assert pointing(study, "0") == {}
    job.refresh_from_db()
    assert (job.state, job.region_only) == (State.QUEUED, True)
