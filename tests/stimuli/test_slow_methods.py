"""What a worker says of a slow image: shown while it has the job, by nobody else, and no longer."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from survey_site.stimuli import jobs, leased_rows, slow_methods
from survey_site.stimuli.models import PrecomputeJob
from survey_site.studies.models import Study
from tests.studies.sample import ready_study

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
TOLD = {"method": "rise", "place": 1, "methods": 2, "done": 1200, "wanted": 4000}


@pytest.fixture
def study(media: Path) -> Study:
    study = ready_study(images=6, reserve=0)
    PrecomputeJob.objects.all().delete()
    jobs.request(study, methods=["rise"])
    return study


def claimed(worker: str = "w", *, later: int = 0) -> PrecomputeJob:
    ids = list(PrecomputeJob.objects.order_by("pk").values_list("pk", flat=True)[:1])
    now = timezone.now() + timedelta(seconds=later)
    (job,) = leased_rows.claim(PrecomputeJob, ids, worker, now)
    return job


def test_the_page_says_how_far_it_is(admin_client: Client, study: Study) -> None:
    job = claimed()
    assert slow_methods.under_way(study) == []
    slow_methods.note(job, "w", **TOLD)
    (one,) = slow_methods.under_way(study)
    assert (one.image, one.method, one.done, one.wanted) == (job.stimulus.key, "rise", 1200, 4000)
    page = admin_client.get(reverse("admin:study_precompute-status", args=[study.pk])).content.decode()
    assert 'max="4000" value="1200"' in page and "1200 of 4000 passes (slow method 1 of 2)" in page


def test_another_worker_and_an_earlier_attempt_say_nothing(study: Study) -> None:
    job = claimed()
    slow_methods.note(job, "another", **TOLD)
    assert slow_methods.under_way(study) == []
    slow_methods.note(job, "w", **TOLD)
    leased_rows.requeue(PrecomputeJob.objects.filter(pk=job.pk))
    again = claimed(later=1)
    assert again.progress and slow_methods.under_way(study) == []
    slow_methods.note(job, "w", **TOLD)  # the earlier attempt, which does not know yet
    assert slow_methods.under_way(study) == []
    slow_methods.note(again, "w", **TOLD)
    assert len(slow_methods.under_way(study)) == 1


def test_what_is_done_is_not_shown(study: Study) -> None:
    job = claimed()
    slow_methods.note(job, "w", **TOLD)
    leased_rows.finish(job, "w")
    assert slow_methods.under_way(study) == []
