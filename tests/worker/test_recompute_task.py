"""Stored maps computed again by the worker: equal ones pass, changed ones are named, nothing is overwritten."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command

from saliency_worker import tasks
from survey_site.reports.management.commands import verify
from survey_site.stimuli import jobs, recompute, storage
from survey_site.stimuli.models import MapPicture, PrecomputeJob, RecomputeJob, SaliencyMap
from survey_site.studies.models import Study
from tests.stimuli.ranked import show_ranks

pytestmark = [pytest.mark.django_db, pytest.mark.tensorflow]
State = RecomputeJob.State


@pytest.fixture
def made(study: Study, monkeypatch: pytest.MonkeyPatch) -> Study:
    """The tiny study with its maps; waiting for a worker is being one."""
    jobs.request(study)
    tasks.explain(list(PrecomputeJob.objects.values_list("pk", flat=True)))

    def work(progress: Callable[[], jobs.Progress], label: str) -> jobs.Progress:
        tasks.recompute(list(RecomputeJob.objects.values_list("pk", flat=True)))
        return progress()

    monkeypatch.setattr(verify, "wait_for", work)
    return study


def verified() -> tuple[str, str]:
    """Standard output and error of `verify tiny --recompute`; the refusal's words where it refuses."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("verify", "tiny", "--recompute", stdout=out, stderr=err)
    except CommandError as error:
        return str(error), err.getvalue()
    return out.getvalue(), err.getvalue()


def replaced(path: str, data: bytes) -> None:
    default_storage.delete(path)
    default_storage.save(path, ContentFile(data))


def snapshot() -> tuple[list[Any], list[Any], dict[str, bytes]]:
    rows = list(SaliencyMap.objects.order_by("pk").values())
    pictures = list(MapPicture.objects.order_by("pk").values())
    paths = [row["array_path"] for row in rows] + [picture["path"] for picture in pictures]
    return rows, pictures, {path: storage.get(path) for path in paths}


def test_untouched_maps_are_identical_and_nothing_is_written(made: Study) -> None:
    before = snapshot()
    out, err = verified()
    assert "15 pictures, 0 answers;" in out and out.endswith("recomputed: 15 identical)\n")
    assert err == ""
    assert snapshot() == before


def test_maps_of_a_further_class_are_computed_again_too(made: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    show_ranks(monkeypatch, 0, 1)
    jobs.request(made)
    tasks.explain(list(PrecomputeJob.objects.values_list("pk", flat=True)))
    out, err = verified()
    assert "27 pictures, 0 answers;" in out and out.endswith("recomputed: 27 identical)\n")
    assert err == ""
    row = SaliencyMap.objects.get(stimulus__key="1", method="gradcam", rank=1)
    first = SaliencyMap.objects.get(stimulus__key="1", method="gradcam", rank=0)
    replaced(row.array_path, storage.get(first.array_path))
    assert "1 differ" in verified()[0]


def test_a_changed_array_is_named_with_its_distance_and_stays_as_it_is(made: Study) -> None:
    row = SaliencyMap.objects.get(stimulus__key="1", method="gradcam")
    array = np.load(io.BytesIO(storage.get(row.array_path)))
    array[3, 4] += 0.25
    buffer = io.BytesIO()
    np.save(buffer, array)
    replaced(row.array_path, buffer.getvalue())
    out, err = verified()
    assert "14 identical" in out
    assert "1 differ" in out
    assert "differ: 1 " in err
    assert "gradcam: recomputed, the array differs by up to 0.25, the picture by 0 levels" in err
    assert storage.get(row.array_path) == buffer.getvalue()


def test_a_last_bit_is_within_tolerance(made: Study) -> None:
    row = SaliencyMap.objects.get(stimulus__key="0", method="gradcampp")
    array = np.load(io.BytesIO(storage.get(row.array_path)))
    array[array > 0] -= np.float32(4e-6)
    buffer = io.BytesIO()
    np.save(buffer, array)
    replaced(row.array_path, buffer.getvalue())
    assert "1 within 1e-5 and one level" in verified()[0]


def test_a_missing_file_is_said(made: Study) -> None:
    row = SaliencyMap.objects.get(stimulus__key="2", method="original")
    default_storage.delete(row.array_path)
    assert "missing in the storage" in verified()[1]


def test_other_weights_are_given_as_the_cause(made: Study) -> None:
    row = SaliencyMap.objects.get(stimulus__key="0", method="gradcam")
    row.provenance["weights_sha256"] = "0" * 64
    row.save()
    replaced(
        row.array_path, storage.get(SaliencyMap.objects.get(stimulus__key="1", method="gradcam").array_path)
    )
    assert "weights_sha256 was 000000000000…, is " in verified()[1]


def test_a_classifier_that_cannot_be_loaded_is_said_once(made: Study) -> None:
    SaliencyMap.objects.update(classifier="/nowhere/model.keras@last")
    out, err = verified()
    assert "1 not computed" in out
    assert err.count("/nowhere/model.keras") == 2  # by which classifier, and why


def test_maps_of_one_run_share_a_pass_and_uploaded_ones_are_left_alone(made: Study) -> None:
    SaliencyMap.objects.filter(stimulus__key="0", method="gradcam").update(method="extremal")
    ids = recompute.request(made)
    assert len(ids) == 3  # one per image
    assert sum(len(job.maps) for job in RecomputeJob.objects.all()) == 14


def test_a_second_request_drops_old_results(made: Study) -> None:
    verified()
    verified()
    assert RecomputeJob.objects.count() == 3
    assert set(RecomputeJob.objects.values_list("state", flat=True)) == {State.DONE}
