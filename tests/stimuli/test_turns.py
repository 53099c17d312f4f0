"""Whose turn it is: the urgent first, then whom the worker has the model for, round the studies; nobody waits for ever."""

import random
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import pytest

from survey_site.stimuli import jobs, leased_rows, turns
from survey_site.stimuli.models import PrecomputeJob, Stimulus
from survey_site.stimuli.turns import LARGE, NOTHING, SMALL, STAYS, Held, Queue, in_turn
from survey_site.studies.models import Condition, Study

State = PrecomputeJob.State


def queue(study: int, classifier: str = "a", urgency: int = LARGE) -> Queue:
    return Queue(urgency, study, classifier)


def served(waiting: Sequence[Queue], held: Held, rounds: int, jobs_each: int = 16) -> list[Queue]:
    """What a worker takes in so many rounds while all queues stay full."""
    taken = []
    for _ in range(rounds):
        first = in_turn(waiting, held)[0]
        held = held.after(first, jobs_each)
        taken.append(first)
    return taken


def test_a_name_says_the_queue_and_sorts_as_the_queue_does() -> None:
    queues = [Queue(random.randint(0, 9), random.randint(0, 10**9), name) for name in ("b", "a/b@c", "B")]
    assert [Queue.named(one.name) for one in queues] == queues
    assert [Queue.named(name) for name in sorted(one.name for one in queues)] == sorted(queues)


def test_a_job_from_before_there_were_queues_is_a_large_one_of_no_study() -> None:
    assert Queue.named("") == Queue(LARGE, 0, "")


def test_few_jobs_are_more_urgent_than_many() -> None:
    assert turns.queue_of(1, "a", turns.FEW_JOBS).urgency == SMALL
    assert turns.queue_of(1, "a", turns.FEW_JOBS + 1).urgency == LARGE


def test_the_urgent_go_first_whatever_is_loaded() -> None:
    held = NOTHING.after(queue(1, "a"), 16)
    assert in_turn([queue(1, "a"), queue(2, "b", SMALL)], held)[0] == queue(2, "b", SMALL)


def test_a_worker_goes_round_the_studies_with_the_model_that_it_has() -> None:
    waiting = [queue(study, "a") for study in (1, 2, 3)] + [queue(1, "b")]
    assert [one.study for one in served(waiting, NOTHING.after(queue(1, "a"), 16), 4)] == [2, 3, 1, 2]


def test_it_changes_the_model_after_a_while_and_not_at_each_chunk() -> None:
    waiting = [queue(1, "a"), queue(2, "b"), queue(3, "c")]
    taken = [one.classifier for one in served(waiting, NOTHING, 6 * STAYS // 16)]
    changes = sum(one != other for one, other in pairwise(taken))
    assert set(taken) == {"a", "b", "c"}
    assert changes == 5


def test_nobody_waits_for_longer_than_all_others_take_once() -> None:
    rng = random.Random(3)
    for _ in range(50):
        waiting = list({queue(rng.randint(1, 30), rng.choice("abc")) for _ in range(60)})
        largest = max(Counter(one.classifier for one in waiting).values())
        chunks = STAYS // 16
        rounds = 3 * chunks * (largest // chunks + 2)
        assert set(served(waiting, NOTHING, rounds)) == set(waiting)


@pytest.fixture
def two_studies(media: object) -> tuple[Study, Study]:
    """A large study of 40 images, and a small one of 3, both for one classifier."""
    made = []
    for slug, images in (("large", 40), ("small", 3)):
        study = Study.objects.create(slug=slug, title=slug, edges="sobel")
        Stimulus.objects.bulk_create(
            Stimulus(study=study, key=f"i{n}", sha256=f"{n:064x}", width=1, height=1) for n in range(images)
        )
        Condition.objects.create(study=study, column="c", classifier="MobileNetV2", base="gradcam", method="")
        made.append(study)
    return made[0], made[1]


@pytest.mark.django_db
def test_a_small_study_need_not_wait_for_a_large_one_that_came_first(
    two_studies: tuple[Study, Study],
) -> None:
    for study in two_studies:
        jobs.request(study)
    first, held = turns.take(PrecomputeJob, 16, "w")
    assert {job.stimulus.study for job in first} == {two_studies[1]}
    second, _ = turns.take(PrecomputeJob, 16, "w", held)
    assert {job.stimulus.study for job in second} == {two_studies[0]}
    assert len(second) == 16


@pytest.mark.django_db
def test_jobs_that_wait_for_their_next_try_hold_nobody_up(two_studies: tuple[Study, Study]) -> None:
    for study in two_studies:
        jobs.request(study)
    taken, held = turns.take(PrecomputeJob, 16, "w")
    for job in taken:
        leased_rows.fail(job, "w", "no memory", permanent=False)
    after, _ = turns.take(PrecomputeJob, 16, "w", held)
    assert {job.stimulus.study for job in after} == {two_studies[0]}


@pytest.mark.django_db
def test_every_job_is_taken_once_and_then_nothing_is_left(two_studies: tuple[Study, Study]) -> None:
    for study in two_studies:
        jobs.request(study)
    taken, held = [], NOTHING
    while True:
        some, held = turns.take(PrecomputeJob, 7, "w", held)
        if not some:
            break
        assert len({job.queue for job in some}) == 1
        taken += [job.pk for job in some]
    assert sorted(taken) == sorted(PrecomputeJob.objects.values_list("pk", flat=True))
