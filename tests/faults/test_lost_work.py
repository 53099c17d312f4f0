"""A worker killed mid-job and a broker that loses its messages: nothing is lost, nothing is half-written."""

import shutil
import signal
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from survey_site.celery import app
from survey_site.stimuli import jobs
from survey_site.stimuli.models import PrecomputeJob, SaliencyMap
from survey_site.studies.models import Study
from tests.faults.worker_process import wait_until, worker
from tests.worker.study import tiny_study

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.tensorflow]
State = PrecomputeJob.State
MESSAGES = Path(settings.DATA_DIR) / "broker" / "messages"


@pytest.fixture
def study(transactional_db: None, media: Path, classifier: str) -> Study:
    return tiny_study(classifier, images=40)


def count(state: str) -> int:
    return PrecomputeJob.objects.filter(state=state).count()


def whole() -> bool:
    """No map without its picture, and as many maps as finished jobs have methods."""
    no_picture = SaliencyMap.objects.filter(pictures=None).exists()
    expected = sum(len(job.methods) for job in PrecomputeJob.objects.filter(state=State.DONE))
    return not no_picture and SaliencyMap.objects.count() == expected


def test_a_worker_killed_mid_job_loses_nothing(study: Study, media: Path, tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    jobs.request(study)
    with worker(media, log) as process:
        wait_until(lambda: count(State.DONE) >= 2 and count(State.RUNNING) > 0, log)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert count(State.RUNNING) > 0
    assert whole()
    PrecomputeJob.objects.filter(state=State.RUNNING).update(
        lease_expires_at=timezone.now() - timedelta(seconds=1)
    )
    with worker(media, log):
        wait_until(lambda: count(State.DONE) == 40, log)
    assert whole()


def test_a_broker_whose_messages_vanish_mid_job_delays_and_loses_nothing(
    study: Study, media: Path, tmp_path: Path
) -> None:
    log = tmp_path / "worker.log"
    jobs.request(study)
    with worker(media, log):
        wait_until(lambda: count(State.RUNNING) > 0, log)
        if settings.CELERY_BROKER_URL == "filesystem://":
            shutil.rmtree(MESSAGES)
            MESSAGES.mkdir()
        else:
            app.control.purge()
        PrecomputeJob.objects.filter(state=State.QUEUED).update(
            announced_at=timezone.now() - timedelta(hours=1)
        )
        wait_until(lambda: count(State.DONE) == 40, log)
    assert whole()
