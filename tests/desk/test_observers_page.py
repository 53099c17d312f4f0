"""Observers on the check page: asked for by a button, tried by a worker, shown with a warning where one solves a column."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from saliency_worker import observer_store
from survey_site.celery import app
from survey_site.reports import cached_task, observer_accuracy, tasks
from survey_site.reports.observer_measures import planned_looks
from survey_site.stimuli import leased_rows
from survey_site.stimuli.observed import ObservedMap, ObserverJob
from survey_site.studies.models import AuditEntry, Study
from tests.observers import painted

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("media")]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """What would have been sent to the broker."""
    cache.clear()
    messages: list[Any] = []
    monkeypatch.setattr(
        app, "send_task", lambda name, args, queue="saliency": messages.append((name, args, queue))
    )
    yield messages
    cache.clear()


@pytest.fixture
def study() -> Study:
    return painted.study(target_participants=8)


def fragment(client: Client, study: Study) -> str:
    return client.get(reverse("admin:study_observers", args=[study.pk])).content.decode()


def ask(client: Client, study: Study, **fields: str) -> str:
    return client.post(
        reverse("admin:study_observers", args=[study.pk]), fields, follow=True
    ).content.decode()


def worked_off() -> ObserverJob:
    job = ObserverJob.objects.get()
    for row in leased_rows.claim(ObserverJob, [job.pk], "test"):
        observer_store.observe(row, "test")
    job.refresh_from_db()
    return job


def test_the_button_asks_once_and_the_page_shows_how_far_it_is(
    admin_client: Client, study: Study, sent: list[Any]
) -> None:
    assert "Try the observers" in fragment(admin_client, study)
    page = ask(admin_client, study)
    job = ObserverJob.objects.get()
    assert sent == [("saliency.observe", [[job.pk]], "saliency")]
    assert "hx-get" in page
    assert "Waiting for a worker." in page
    ask(admin_client, study)
    assert len(sent) == 1
    ObserverJob.objects.update(state="running", fraction=0.42)
    assert "42 %" in fragment(admin_client, study)
    assert AuditEntry.objects.filter(verb="observers: request").exists()


def test_what_was_found_stands_by_column_with_a_warning(
    admin_client: Client, study: Study, sent: list[Any]
) -> None:
    ask(admin_client, study)
    job = worked_off()
    assert sent[-1] == ("reports.observers", [job.pk], "reports")
    assert "hx-get" in fragment(admin_client, study)
    tasks.observers(job.pk)
    page = fragment(admin_client, study)
    assert "Column 1 is solved by “Edge” (100 %)" in page
    assert "Column 0 is solved" not in page
    assert "<b>100 % [" in page
    assert "Texture and place" in page
    assert "no other classifier has bare maps here" in page
    assert "Try the observers" in page  # with the trained matcher
    assert "hx-get" not in page


def test_shares_are_those_of_the_planned_trials(study: Study, sent: list[Any]) -> None:
    observed = painted.observe(study)
    tasks.observers(observed.pk)
    observed.refresh_from_db()
    looks = list(planned_looks(study))
    assert observed.accuracy["trials"] == len(looks) == 8 * 2
    for column in observed.accuracy["columns"]:
        own = [look for look in looks if look.column == column["column"]]
        hits = [
            ObservedMap.objects.get(saliency_map=look.saliency_map, pool=look.pool).found["edge"]["choice"]
            == look.right
            for look in own
        ]
        edge = column["observers"]["edge"]
        assert edge["share"] == pytest.approx(sum(hits) / len(hits))
        assert edge["ci"] is None or edge["ci"][0] <= 100 * edge["share"] <= edge["ci"][1]


def test_a_measuring_that_was_lost_is_asked_for_by_the_page(
    admin_client: Client, study: Study, sent: list[Any]
) -> None:
    ask(admin_client, study)
    worked_off()
    cache.clear()
    sent.clear()
    fragment(admin_client, study)
    assert [name for name, *_ in sent] == ["reports.observers"]
    fragment(admin_client, study)
    assert len(sent) == 1


def test_what_fails_is_said(admin_client: Client, study: Study, sent: list[Any]) -> None:
    ask(admin_client, study)
    ObserverJob.objects.update(state="failed", reason="the disk is full")
    assert "The observers could not be tried: the disk is full" in fragment(admin_client, study)
    ask(admin_client, study)  # again
    assert ObserverJob.objects.get().state == "queued"
    job = worked_off()
    cached_task.set_progress(observer_accuracy.key_of(job), 0.0, "", failed="no memory")
    assert "could not be computed: no memory" in fragment(admin_client, study)


def test_a_study_without_pools_is_told_so(admin_client: Client, sent: list[Any]) -> None:
    study = painted.study(matching_trials_per_column=0, rating_trials_per_column=1)
    assert "No task of this study shows pools" in fragment(admin_client, study)
    assert "No task of this study shows pools" in ask(admin_client, study)
    assert not ObserverJob.objects.exists()


def test_a_search_says_how_far_it_came(admin_client: Client, sent: list[Any]) -> None:
    study = painted.study(
        images=24, hard_for_observers=True, matching_trials_per_column=3, target_participants=2
    )
    ask(admin_client, study)
    job = worked_off()
    tasks.observers(job.pk)
    page = fragment(admin_client, study)
    found = job.found["search"]["matching"]
    assert (
        f"{found['hits_before']} found their source in the pools as dealt and {found['hits_after']} in the pools"
        in page
    )
