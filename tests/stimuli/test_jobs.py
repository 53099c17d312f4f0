"""Precompute jobs as rows: requested once, claimed by one, swept when lost."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from saliency_worker.catalog import UnknownName
from survey_site.celery import app
from survey_site.stimuli import jobs, leased_rows
from survey_site.stimuli.archives import Upload
from survey_site.stimuli.intake import add_images
from survey_site.stimuli.models import JOB_KINDS, PrecomputeJob
from survey_site.studies.models import Condition, Study
from tests.stimuli.pictures import encoded

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
State = PrecomputeJob.State


@pytest.fixture
def bell(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """The job ids of every message that was sent."""
    rung: list[list[int]] = []
    monkeypatch.setattr(app, "send_task", lambda name, args: rung.append(args[0]))
    return rung


@pytest.fixture
def study(media: Path) -> Study:
    study = Study.objects.create(slug="s", title="S", edges="sobel")
    add_images(study, [Upload(f"{n}.png", encoded(n)) for n in range(3)])
    for method, column in (("", "Grad-CAMs"), ("add-edges", "Ours 1")):
        Condition.objects.create(
            study=study, column=column, classifier="MobileNetV2", base="gradcam", method=method
        )
    return study


def claimed(study: Study, worker: str = "w") -> list[PrecomputeJob]:
    jobs.request(study)
    return leased_rows.claim(PrecomputeJob, list(PrecomputeJob.objects.values_list("pk", flat=True)), worker)


def test_a_request_queues_one_job_per_image_and_classifier_with_all_methods(study: Study) -> None:
    assert jobs.request(study) == 3
    job = PrecomputeJob.objects.first()
    assert job is not None
    assert job.methods == ["gradcam", "gradcam.add-edges", "original"]
    assert job.settings == {"edges": "sobel", "colour_map": "jet", "metrics": True}


def test_asking_twice_queues_nothing_new(study: Study) -> None:
    jobs.request(study)
    assert jobs.request(study) == 0
    assert PrecomputeJob.objects.count() == 3


def test_a_new_method_queues_finished_jobs_again_with_the_union(study: Study) -> None:
    jobs.request(study)
    PrecomputeJob.objects.update(state=State.DONE)
    Condition.objects.create(study=study, column="Ours 2", classifier="MobileNetV2", base="cam", method="")
    assert jobs.request(study) == 3
    assert set(PrecomputeJob.objects.values_list("state", flat=True)) == {State.QUEUED}
    assert "cam" in PrecomputeJob.objects.first().methods  # type: ignore[union-attr]


def test_measures_asked_for_queue_finished_jobs_once_and_are_kept(study: Study) -> None:
    jobs.request(study)
    PrecomputeJob.objects.update(state=State.DONE)
    assert jobs.request(study, measures=["sanity", "curves"]) == 3
    job = PrecomputeJob.objects.first()
    assert job is not None and job.settings["measures"] == ["curves", "sanity"]
    PrecomputeJob.objects.update(state=State.DONE)
    assert jobs.request(study) == jobs.request(study, measures=["curves"]) == 0
    Condition.objects.create(study=study, column="Ours 2", classifier="MobileNetV2", base="cam", method="")
    assert jobs.request(study) == 3
    assert PrecomputeJob.objects.first().settings["measures"] == ["curves", "sanity"]  # type: ignore[union-attr]
    with pytest.raises(UnknownName, match='did you mean "sanity"'):
        jobs.request(study, measures=["sanety"])


def test_the_bell_rings_after_commit_only(
    study: Study, bell: list[list[int]], django_capture_on_commit_callbacks: object
) -> None:
    with django_capture_on_commit_callbacks(execute=False) as callbacks:  # type: ignore[operator]
        jobs.request(study)
        assert bell == []
    callbacks[0]()
    assert sorted(bell[0]) == sorted(PrecomputeJob.objects.values_list("pk", flat=True))


def test_a_broker_that_is_away_loses_nothing(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs.request(study)

    def refuse(name: str, args: object) -> None:
        raise ConnectionRefusedError("no broker")

    monkeypatch.setattr(app, "send_task", refuse)
    leased_rows.announce(PrecomputeJob, list(PrecomputeJob.objects.values_list("pk", flat=True)))
    assert PrecomputeJob.objects.filter(state=State.QUEUED, announced_at=None).count() == 3


def test_the_sweeper_rings_again_for_what_nobody_heard(study: Study, bell: list[list[int]]) -> None:
    jobs.request(study)
    assert leased_rows.sweep(JOB_KINDS) == 3
    assert leased_rows.sweep(JOB_KINDS) == 0  # just announced
    assert (
        leased_rows.sweep(JOB_KINDS, timezone.now() + leased_rows.REANNOUNCE_AFTER + timedelta(seconds=1))
        == 3
    )


def test_only_one_worker_gets_a_job(study: Study) -> None:
    first = claimed(study, "one")
    assert len(first) == 3
    assert leased_rows.claim(PrecomputeJob, [job.pk for job in first], "two") == []


def test_a_job_whose_worker_died_is_queued_again_when_the_lease_ran_out(
    study: Study, bell: list[list[int]]
) -> None:
    claimed(study)
    soon = timezone.now() + timedelta(seconds=settings.JOB_LEASE_SECONDS - 5)
    assert leased_rows.sweep(JOB_KINDS, soon) == 0
    assert leased_rows.sweep(JOB_KINDS, soon + timedelta(seconds=10)) == 3
    assert set(PrecomputeJob.objects.values_list("state", flat=True)) == {State.QUEUED}


def test_a_renewed_lease_is_not_swept(study: Study, bell: list[list[int]]) -> None:
    ids = [job.pk for job in claimed(study)]
    PrecomputeJob.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    leased_rows.renew(PrecomputeJob, ids, "w")
    assert leased_rows.sweep(JOB_KINDS) == 0


def test_a_job_that_kills_its_worker_every_time_fails_with_a_reason(
    study: Study, bell: list[list[int]]
) -> None:
    claimed(study)
    PrecomputeJob.objects.update(attempts=settings.JOB_MAX_ATTEMPTS)
    leased_rows.sweep(JOB_KINDS, timezone.now() + timedelta(hours=1))
    job = PrecomputeJob.objects.first()
    assert job is not None
    assert job.state == State.FAILED
    assert "died" in job.reason


def test_a_transient_failure_waits_and_is_tried_again(study: Study, bell: list[list[int]]) -> None:
    job = claimed(study)[0]
    leased_rows.fail(job, "w", "out of memory", permanent=False)
    job.refresh_from_db()
    assert (job.state, job.reason) == (State.QUEUED, "out of memory")
    assert leased_rows.claim(PrecomputeJob, [job.pk], "w") == []  # not before its time
    assert job.not_before is not None
    assert leased_rows.sweep(JOB_KINDS, job.not_before + timedelta(seconds=1)) == 1


def test_a_permanent_failure_is_final_and_keeps_its_reason(study: Study, bell: list[list[int]]) -> None:
    job = claimed(study)[0]
    leased_rows.fail(job, "w", "no such layer", permanent=True)
    job.refresh_from_db()
    assert (job.state, job.reason, job.permanent) == (State.FAILED, "no such layer", True)
    assert (
        leased_rows.sweep(JOB_KINDS, timezone.now() + timedelta(days=1)) == 2
    )  # the two others, whose lease ran out


def test_transient_failures_end_after_a_few_attempts(study: Study) -> None:
    job = claimed(study)[0]
    job.attempts = settings.JOB_MAX_ATTEMPTS
    job.save(update_fields=["attempts"])
    leased_rows.fail(job, "w", "disk full", permanent=False)
    job.refresh_from_db()
    assert (job.state, job.permanent) == (State.FAILED, False)


def test_a_worker_that_lost_its_lease_cannot_finish_the_job(study: Study) -> None:
    job = claimed(study, "slow")[0]
    PrecomputeJob.objects.filter(pk=job.pk).update(worker="fast")
    assert not leased_rows.finish(job, "slow")
    assert leased_rows.finish(job, "fast")


def test_paused_jobs_are_not_claimed_until_resumed(study: Study) -> None:
    jobs.request(study)
    ids = list(PrecomputeJob.objects.values_list("pk", flat=True))
    assert jobs.pause(study) == 3
    assert leased_rows.claim(PrecomputeJob, ids, "w") == []
    assert jobs.resume(study) == 3
    assert len(leased_rows.claim(PrecomputeJob, ids, "w")) == 3


def test_cancelled_and_failed_jobs_come_back_by_retry(study: Study) -> None:
    jobs.request(study)
    assert jobs.cancel(study) == 3
    assert jobs.progress(study).settled
    assert jobs.retry_failed(study) == 3
    assert jobs.progress(study).queued == 3


def test_missing_maps_are_named_by_image_method_and_classifier(study: Study) -> None:
    lines = jobs.missing_maps(study)
    assert len(lines) == 9  # three images; two conditions and the original
    assert "0: no map of gradcam.add-edges by MobileNetV2" in lines
