"""What waits, by kind and classifier, and how many workers it wants."""

from datetime import timedelta

import pytest
from django.utils import timezone

from survey_site.stimuli.models import PrecomputeJob, Stimulus
from survey_site.stimuli.queue_depth import QueueDepth, queue_depths, workers_wanted
from survey_site.studies.models import Study


def depth(classifier: str, queued: int, running: int = 0) -> QueueDepth:
    return QueueDepth("saliency.explain", classifier, queued, running, 0.0)


@pytest.mark.django_db
def test_what_is_open_is_counted_by_classifier_and_the_oldest_says_how_long_it_waits() -> None:
    study = Study.objects.create(slug="s", title="S")
    states = {"a": ["queued", "queued", "running", "done"], "b": ["failed"], "c": ["running"]}
    for name, all_states in states.items():
        for number, state in enumerate(all_states):
            image, _ = Stimulus.objects.get_or_create(
                study=study, key=f"i{number}", defaults={"sha256": f"{number:064x}", "width": 1, "height": 1}
            )
            PrecomputeJob.objects.create(stimulus=image, classifier=name, methods=[], state=state)
    now = timezone.now()
    PrecomputeJob.objects.filter(state="queued").update(created_at=now - timedelta(seconds=90))
    assert queue_depths(now) == [
        QueueDepth("saliency.explain", "a", 2, 1, 90.0),
        QueueDepth("saliency.explain", "c", 0, 1, 0.0),
    ]


def test_workers_are_wanted_by_the_seconds_that_the_images_take() -> None:
    assert workers_wanted([depth("a", 100), depth("b", 10, 10)], {"a": 1.0, "b": 5.0}, 60) == 4  # 200 s


def test_nothing_to_do_wants_nobody_and_anything_wants_somebody() -> None:
    assert workers_wanted([], {}, 60) == 0
    assert workers_wanted([depth("a", 0)], {}, 60) == 0
    assert workers_wanted([depth("a", 1)], {"a": 0.001}, 3600) == 1


def test_a_classifier_that_was_not_measured_counts_as_the_slowest() -> None:
    assert workers_wanted([depth("new", 60)], {"a": 1.0, "b": 3.0}, 60) == 3


@pytest.mark.parametrize(("seconds", "within"), [({}, 60), ({"a": 1.0}, 0)])
def test_without_a_measurement_or_time_it_says_so(seconds: dict[str, float], within: float) -> None:
    with pytest.raises(ValueError, match="how long an image takes"):
        workers_wanted([depth("a", 1)], seconds, within)
