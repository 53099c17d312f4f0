"""What is asked for, and asked again, of very many jobs: the same for each job as if it were looked at alone, in as many
statements as for few, and a batch of rows in memory.
"""

import random
import threading
import weakref
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models.signals import post_init
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from survey_site.celery import app
from survey_site.stimuli import jobs, leased_rows
from survey_site.stimuli.models import PrecomputeJob, Stimulus
from survey_site.stimuli.turns import queue_of
from survey_site.studies.models import Condition, Study
from tests.stimuli.ranked import show_ranks

State = PrecomputeJob.State
CLASSIFIERS = ("MobileNetV2", "Xception")
METHODS = ("original", "gradcam", "gradcam.add-edges", "gradcampp", "edges", "cam")
TOLD = [
    field.attname for field in PrecomputeJob._meta.concrete_fields if field.name not in ("id", "created_at")
]


def study_of(images: int) -> Study:
    """A draft whose conditions need two methods of one classifier."""
    study = Study.objects.create(slug="s", title="S", edges="sobel")
    _more(study, range(images))
    for method, column in (("", "Grad-CAMs"), ("add-edges", "Ours 1")):
        Condition.objects.create(
            study=study, column=column, classifier="MobileNetV2", base="gradcam", method=method
        )
    return study


def _more(study: Study, numbers: Iterable[int]) -> None:
    Stimulus.objects.bulk_create(
        Stimulus(study=study, key=f"i{n:04}", sha256=f"{n:064x}", width=1, height=1)
        for n in sorted(numbers, reverse=True)
    )


def one_by_one(
    study: Study,
    classifiers: Sequence[str] | None,
    methods: Sequence[str] | None,
    metrics: bool,
    measures: set[str],
) -> int:
    """`jobs.request` as it reads in words, each job by itself."""
    wanted = jobs.methods_by_classifier(study)
    if classifiers is not None:
        wanted = {name: wanted.get(name, ("original",)) for name in classifiers}
    if methods is not None:
        wanted = {name: tuple(sorted({*methods, "original"})) for name in wanted}
    queued = 0
    for name, keys in wanted.items():
        options = jobs.job_settings(study, keys, metrics=metrics, measures=measures)
        queue = queue_of(study.pk, name, study.stimuli.count()).name
        for image in study.stimuli.all():
            job = PrecomputeJob.objects.filter(stimulus=image, classifier=name).first()
            if job is None:
                PrecomputeJob.objects.create(
                    stimulus=image, classifier=name, methods=list(keys), settings=options, queue=queue
                )
            elif not jobs.covers(job.methods, job.settings, keys, options) or job.state in (
                "failed",
                "cancelled",
            ):
                plain = {"ranks": (), "measures": ()}
                same = {**job.settings, **plain} == {**options, **plain}
                merged = sorted({*keys, *job.methods}) if same else sorted(keys)
                measured = {*measures, *job.settings.get("measures", ())} if same else measures
                leased_rows.reset(
                    PrecomputeJob.objects.filter(pk=job.pk),
                    methods=merged,
                    queue=queue,
                    region_only=False,
                    settings=jobs.job_settings(study, merged, metrics=metrics, measures=measured),
                )
            else:
                continue
            queued += 1
    return queued


def scatter(study: Study, dice: random.Random) -> None:
    """Jobs of some of the images, in all states and made in all ways."""
    now = timezone.now()
    for image in study.stimuli.all():
        for classifier in CLASSIFIERS:
            if dice.random() < 0.25:
                continue
            made: dict[str, Any] = {
                "edges": dice.choice(["sobel", "sobel", "hed-authors"]),
                "colour_map": "jet",
                "metrics": dice.random() < 0.8,
            }
            if dice.random() < 0.3:
                made["measures"] = sorted(dice.sample(["curves", "sanity"], dice.randint(1, 2)))
            if dice.random() < 0.3:
                made["ranks"] = dice.choice([[0, 1], [0, 2]])
            PrecomputeJob.objects.create(
                stimulus=image,
                classifier=classifier,
                methods=sorted({"original", *dice.sample(METHODS, dice.randint(0, 5))}),
                settings=made,
                state=dice.choice(State.values),
                attempts=dice.randint(0, 3),
                reason=dice.choice(["", "no memory"]),
                permanent=dice.random() < 0.5,
                region_only=dice.random() < 0.5,
                worker=dice.choice(["", "w"]),
                queue="",
                announced_at=dice.choice([None, now]),
                finished_at=dice.choice([None, now]),
                not_before=dice.choice([None, now]),
                lease_expires_at=dice.choice([None, now + timedelta(hours=1)]),
            )


def rows() -> list[dict[str, Any]]:
    """Every job as it stands, in the order in which they were made."""
    return list(PrecomputeJob.objects.order_by("pk").values(*TOLD))


@pytest.mark.django_db
def test_each_job_becomes_what_it_would_if_it_were_looked_at_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "BATCH", 3)
    study = study_of(8)
    for seed in range(40):
        dice = random.Random(seed)
        show_ranks(monkeypatch, *dice.choice([(0,), (0, 1), (0, 1, 2)]))
        PrecomputeJob.objects.all().delete()
        scatter(study, dice)
        classifiers = dice.choice([None, CLASSIFIERS[:1], CLASSIFIERS])
        methods = dice.choice([None, None, ["gradcampp"], ["edges"]])
        metrics, measures = dice.random() < 0.7, set(dice.sample(["curves", "sanity"], dice.randint(0, 2)))
        with transaction.atomic():
            count = one_by_one(study, classifiers, methods, metrics, measures)
            wanted = rows()
            transaction.set_rollback(True)
        assert jobs.request(study, classifiers, methods, metrics=metrics, measures=measures) == count, seed
        assert rows() == wanted, seed


def statements(call: Any) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        call()
    return [query["sql"] for query in captured]


@pytest.mark.django_db
def test_other_settings_change_many_jobs_in_as_many_statements_as_few() -> None:
    study = study_of(4)
    told = []
    for images in (range(4), range(4, 400)):
        if images.start:
            _more(study, images)
        study.edges = "sobel"
        jobs.request(study)
        study.edges = "hed-authors"
        told.append(statements(lambda: jobs.request(study)))
        assert set(PrecomputeJob.objects.values_list("settings__edges", flat=True)) == {"hed-authors"}
    few, many = told
    assert len(few) == len(many)
    assert max(map(len, many)) < max(map(len, few)) + 50


@pytest.mark.django_db
@pytest.mark.parametrize("state", ["paused", "failed"])
def test_many_jobs_are_taken_up_again_in_as_many_statements_as_few_none_longer(state: str) -> None:
    study = study_of(4)
    told = []
    for images in (range(4), range(4, 400)):
        if images.start:
            _more(study, images)
        jobs.request(study)
        PrecomputeJob.objects.update(state=state)
        told.append(statements(lambda: (jobs.resume if state == "paused" else jobs.retry_failed)(study)))
        assert set(PrecomputeJob.objects.values_list("state", flat=True)) == {"queued"}
    few, many = told
    assert len(few) == len(many)
    assert max(map(len, many)) < max(map(len, few)) + 50


@pytest.mark.django_db
def test_no_more_than_a_batch_of_jobs_is_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "BATCH", 10)
    alive = most = 0

    def dies() -> None:
        nonlocal alive
        alive -= 1

    def born(instance: PrecomputeJob, **_: Any) -> None:
        nonlocal alive, most
        alive += 1
        most = max(most, alive)
        weakref.finalize(instance, dies)

    study = study_of(95)
    post_init.connect(born, sender=PrecomputeJob)
    try:
        assert jobs.request(study) == 95
        study.edges = "hed-authors"
        assert jobs.request(study) == 95
    finally:
        post_init.disconnect(born, sender=PrecomputeJob)
    assert most <= 2 * jobs.BATCH


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
@pytest.mark.django_db(transaction=True)
def test_what_somebody_begins_while_it_is_to_be_tried_again_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(app, "send_task", lambda name, args: None)
    study = study_of(2)
    jobs.request(study)
    PrecomputeJob.objects.update(state="failed")
    began = PrecomputeJob.objects.all()[0]
    queued: list[int] = []

    def again() -> None:
        queued.append(jobs.retry_failed(study))
        connection.close()

    other = threading.Thread(target=again)
    with transaction.atomic():
        PrecomputeJob.objects.filter(pk=began.pk).update(state="running", worker="w")
        other.start()
        with connection.cursor() as cursor:
            waits, until = False, timezone.now() + timedelta(seconds=30)
            while not waits and timezone.now() < until:
                cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
                (waits,) = cursor.fetchone()
        assert waits
    other.join(30)
    assert queued == [1]
    began.refresh_from_db()
    assert (began.state, began.worker) == ("running", "w")
