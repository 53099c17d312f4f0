"""What a study's maps still take: counts, measured pace, time in words, failures by reason."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from survey_site.stimuli import jobs, map_progress
from survey_site.stimuli.models import PrecomputeJob, SaliencyMap
from survey_site.studies.models import Condition, Study
from tests.studies.sample import CLASSIFIER, ready_study

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def test_images_of_one_batch_share_their_start_and_are_timed_from_one_to_the_next() -> None:
    batch = [("A", "w1", NOON, after(s)) for s in (4, 5, 6)]
    assert map_progress.paces(batch) == {"A": map_progress.ComputingPace(2.0, 3)}


def test_a_batch_of_two_classifiers_charges_each_its_own_time_and_workers_are_kept_apart() -> None:
    rows = [
        ("A", "w1", NOON, after(2)),
        ("B", "w1", NOON, after(10)),
        ("A", "w2", NOON, after(4)),
    ]
    assert map_progress.paces(rows) == {
        "A": map_progress.ComputingPace(3.0, 2),
        "B": map_progress.ComputingPace(8.0, 1),
    }


def test_without_finished_jobs_there_is_no_pace() -> None:
    assert map_progress.paces([]) == {}


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "about 1 second"),
        (42, "about 42 seconds"),
        (100, "about 2 minutes"),
        (3600, "about 60 minutes"),
        (9000, "about 2.5 hours"),
        (40 * 3600, "about 40 hours"),
    ],
)
def test_durations_are_said_as_people_say_them(seconds: float, words: str) -> None:
    assert map_progress.in_words(seconds) == words


@pytest.fixture
def study(db: None, media: object) -> Study:
    return ready_study(images=4, reserve=2)


def test_a_line_counts_maps_there_and_wanted_and_images_left(study: Study) -> None:
    SaliencyMap.objects.filter(method="gradcam").first().delete()  # type: ignore[union-attr]
    jobs.request(study)
    first, second = PrecomputeJob.objects.all()[:2]
    PrecomputeJob.objects.filter(pk=first.pk).update(state="done")
    PrecomputeJob.objects.filter(pk=second.pk).update(state="failed")
    (line,) = map_progress.lines(study)
    assert (line.classifier, line.images, line.images_done, line.images_left) == (CLASSIFIER, 6, 1, 5)
    assert (line.maps, line.maps_wanted, line.failed) == (17, 18, 1)
    assert line.pace is None and line.seconds_left is None


def test_jobs_made_for_other_settings_or_fewer_methods_are_still_to_do(study: Study) -> None:
    jobs.request(study)
    PrecomputeJob.objects.update(state="done")
    assert map_progress.lines(study)[0].images_left == 0
    Study.objects.filter(pk=study.pk).update(edges="sobel")
    study.refresh_from_db()
    assert map_progress.lines(study)[0].images_left == 6
    Study.objects.filter(pk=study.pk).update(edges="hed")
    study.refresh_from_db()
    Condition.objects.create(study=study, column="X", classifier=CLASSIFIER, base="gradcampp")
    assert map_progress.lines(study)[0].images_left == 6


def test_the_time_left_follows_from_jobs_of_the_same_classifier_in_any_study(study: Study) -> None:
    other = ready_study(slug="other", images=2, reserve=0)
    jobs.request(other)
    for number, job in enumerate(PrecomputeJob.objects.all()):
        PrecomputeJob.objects.filter(pk=job.pk).update(
            state="done", worker="w", started_at=NOON, finished_at=after(3 * (number + 1))
        )
    jobs.request(study)
    (line,) = map_progress.lines(study)
    assert line.pace == map_progress.ComputingPace(3.0, 2)
    assert line.seconds_left == 18.0
    assert map_progress.open_seconds(study) == (18.0, "")
    for worker, job in zip("ab", PrecomputeJob.objects.filter(stimulus__study=study), strict=False):
        PrecomputeJob.objects.filter(pk=job.pk).update(state="running", worker=worker)
    assert map_progress.open_seconds(study) == (9.0, "")


def test_an_unknown_pace_is_said_to_be_unknown(study: Study) -> None:
    jobs.request(study)
    assert map_progress.open_seconds(study) == (None, CLASSIFIER)


def test_failures_are_told_once_for_each_reason_the_commonest_first(study: Study) -> None:
    jobs.request(study)
    PrecomputeJob.objects.update(state="failed", reason="The disk is full.")
    last = PrecomputeJob.objects.order_by("-pk")[0]
    PrecomputeJob.objects.filter(pk=last.pk).update(reason="No such layer.", permanent=True)
    found = map_progress.failures(study)
    assert [(f.reason, f.permanent, f.jobs) for f in found] == [
        ("The disk is full.", False, 5),
        ("No such layer.", True, 1),
    ]


def test_work_that_nobody_takes_up_is_noticed_after_a_while(study: Study) -> None:
    jobs.request(study)
    now = timezone.now()
    PrecomputeJob.objects.update(announced_at=now)
    assert not map_progress.unheard(study, jobs.progress(study), now)
    assert map_progress.unheard(study, jobs.progress(study), now + timedelta(minutes=2))
    one = PrecomputeJob.objects.all()[0]
    PrecomputeJob.objects.filter(pk=one.pk).update(state="running")
    assert not map_progress.unheard(study, jobs.progress(study), now + timedelta(minutes=2))
    PrecomputeJob.objects.update(state="queued", not_before=now + timedelta(minutes=5))
    assert not map_progress.unheard(study, jobs.progress(study), now + timedelta(minutes=2))


def test_a_worker_that_is_busy_with_another_study_is_a_worker(study: Study) -> None:
    jobs.request(study)
    now = timezone.now()
    later = now + timedelta(minutes=2)
    PrecomputeJob.objects.update(announced_at=now)
    other = ready_study(slug="other")
    image = other.stimuli.all()[0]
    elsewhere = PrecomputeJob.objects.create(stimulus=image, classifier="VGG16", methods=[], state="running")
    assert map_progress.unheard(study, jobs.progress(study), later)  # nobody has held it for long
    PrecomputeJob.objects.filter(pk=elsewhere.pk).update(lease_expires_at=later + timedelta(minutes=1))
    assert not map_progress.unheard(study, jobs.progress(study), later)
    PrecomputeJob.objects.filter(pk=elsewhere.pk).update(
        state="done", lease_expires_at=None, finished_at=later - timedelta(seconds=5)
    )
    assert not map_progress.unheard(study, jobs.progress(study), later)
