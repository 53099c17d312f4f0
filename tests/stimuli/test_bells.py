"""Messages are bells: as long as jobs wait there are some, there are never many, and one that is lost is missed."""

from datetime import timedelta

import pytest
from django.utils import timezone

from survey_site.celery import app
from survey_site.stimuli import leased_rows, turns
from survey_site.stimuli.leased_rows import MOST_ANNOUNCED
from survey_site.stimuli.models import JOB_KINDS, PrecomputeJob, RecomputeJob, Stimulus
from survey_site.studies.models import Study

pytestmark = pytest.mark.django_db
State = PrecomputeJob.State
CHUNK = PrecomputeJob.LANE.chunk


@pytest.fixture
def messages(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """The broker's queue; nobody takes from it but the test."""
    sent: list[list[int]] = []
    monkeypatch.setattr(app, "send_task", lambda name, args: sent.append(args[0]))
    return sent


def large(slug: str, classifier: str, jobs: int) -> list[int]:
    study = Study.objects.create(slug=slug, title=slug)
    images = Stimulus.objects.bulk_create(
        Stimulus(study=study, key=f"i{n}", sha256=f"{slug}{n:060x}", width=1, height=1) for n in range(jobs)
    )
    queue = turns.queue_of(study.pk, classifier, jobs).name
    rows = [PrecomputeJob(stimulus=image, classifier=classifier, methods=[], queue=queue) for image in images]
    return [row.pk for row in PrecomputeJob.objects.bulk_create(rows)]


def work(messages: list[list[int]], most: int) -> int:
    """A worker that hears one message after another until there is none; the longest that the queue was."""
    held, longest = turns.NOTHING, len(messages)
    while messages:
        jobs, held = turns.heard(PrecomputeJob, messages.pop(0), most, "w", held)
        PrecomputeJob.objects.filter(pk__in=[job.pk for job in jobs]).update(state=State.DONE)
        longest = max(longest, len(messages))
    return longest


@pytest.mark.parametrize("most", [CHUNK, 4 * CHUNK], ids=["CPU", "GPU"])
def test_jobs_are_all_done_without_a_sweep_whichever_a_message_names(
    messages: list[list[int]], most: int
) -> None:
    """Of two large studies the second is begun while the messages name the first alone."""
    for slug, classifier in (("one", "a"), ("two", "b")):
        leased_rows.announce(PrecomputeJob, large(slug, classifier, 700))
    assert work(messages, most) <= MOST_ANNOUNCED // CHUNK
    assert PrecomputeJob.objects.exclude(state=State.DONE).count() == 0


def test_a_bell_that_is_lost_is_rung_again_though_somebody_is_busy(messages: list[list[int]]) -> None:
    ids = large("one", "a", 100)
    leased_rows.announce(PrecomputeJob, ids)
    messages.clear()  # the broker was emptied
    busy = RecomputeJob.objects.create(
        stimulus=Stimulus.objects.all()[0], classifier="a", methods=[], maps=[], state=State.RUNNING
    )
    RecomputeJob.objects.update(lease_expires_at=timezone.now() + timedelta(days=1))
    now = timezone.now()
    assert (
        leased_rows.sweep(JOB_KINDS, now + leased_rows.REANNOUNCE_AFTER * 2) == 0
    )  # they may wait behind it
    assert leased_rows.sweep(JOB_KINDS, now + leased_rows.REANNOUNCE_BUSY_AFTER * 2) == 100
    assert sum(map(len, messages)) == 100
    work(messages, CHUNK)
    assert PrecomputeJob.objects.exclude(state=State.DONE).count() == 0
    busy.delete()


def test_an_image_that_kills_its_worker_takes_no_others_with_it_for_good(messages: list[list[int]]) -> None:
    ids = large("one", "a", 40)
    poison, now, dead = ids[3], timezone.now(), 0
    for _ in range(100):
        jobs, _ = turns.take(PrecomputeJob, CHUNK, "w", now=now)
        if not jobs:
            break
        if poison in [job.pk for job in jobs]:
            dead += 1
            now += timedelta(days=1)
            leased_rows.sweep(JOB_KINDS, now)
        else:
            PrecomputeJob.objects.filter(pk__in=[job.pk for job in jobs]).update(state=State.DONE)
    assert dead == PrecomputeJob.LANE.most_attempts()
    assert list(PrecomputeJob.objects.exclude(state=State.DONE).values_list("pk", "state")) == [
        (poison, State.FAILED)
    ]
