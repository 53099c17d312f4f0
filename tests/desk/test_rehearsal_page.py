"""Rehearsing from the desk: asked for by a button, done by a task, shown with its progress."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from survey_site.celery import app
from survey_site.protocols import freeze
from survey_site.protocols.models import Rehearsal
from survey_site.reports import cached_task, tasks
from survey_site.reports.rehearsal import run, task
from survey_site.studies.models import AuditEntry, Study
from tests.studies.sample import ready_study

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


@pytest.fixture
def study() -> Study:
    return ready_study(require_rehearsal=True, analysis_plan={"resamples": 99}, target_participants=8)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """What would have been sent to the broker."""
    cache.clear()
    messages: list[Any] = []
    monkeypatch.setattr(app, "send_task", lambda name, args, queue: messages.append((name, args, queue)))
    yield messages
    cache.clear()


def ask(client: Client, study: Study, **fields: str) -> str:
    return client.post(
        reverse("admin:study_rehearsal", args=[study.pk]), fields, follow=True
    ).content.decode()


def test_the_button_sends_a_task_once_and_shows_how_far_it_is(
    admin_client: Client, study: Study, sent: list[Any]
) -> None:
    page = ask(admin_client, study, repetitions="7")
    assert sent == [("reports.rehearse", [study.pk, 1, 7], "reports")]
    assert "hx-get" in page
    ask(admin_client, study, repetitions="7")
    assert len(sent) == 1
    cached_task.set_progress(task.key_of(study), 0.4, "3 of 7 studies with effects")
    fragment = admin_client.get(reverse("admin:study_rehearsal", args=[study.pk])).content.decode()
    assert "40 % 3 of 7 studies with effects" in fragment
    assert AuditEntry.objects.filter(verb="rehearsal").exists()


def test_the_task_stores_what_the_command_stores_and_the_study_can_go_live(
    admin_client: Client, study: Study, sent: list[Any]
) -> None:
    with pytest.raises(freeze.NotReady, match="rehearse it below"):
        freeze.go_live(study)
    ask(admin_client, study, repetitions="5")
    tasks.rehearse(*sent[0][1])
    row = Rehearsal.objects.get()
    assert (row.passed, row.repetitions, row.document_hash) == (True, 5, freeze.draft_of(study).hash)
    page = admin_client.get(reverse("admin:study_live", args=[study.pk])).content.decode()
    assert "It is of the protocol as it is now" in page
    assert "Rehearse again" in page
    freeze.go_live(study)


def test_what_cannot_be_rehearsed_is_refused_in_words(
    admin_client: Client, study: Study, sent: list[Any]
) -> None:
    for wrong in ("4", "1001", "many", "-5"):
        assert "from 5 to 1000" in ask(admin_client, study, repetitions=wrong)
    study.conditions.all().delete()
    assert "no conditions" in ask(admin_client, study)
    assert sent == []


def test_a_draft_that_changed_meanwhile_is_said_so_by_the_task(study: Study, sent: list[Any]) -> None:
    study.conditions.all().delete()
    tasks.rehearse(study.pk, 1, 5)
    told = cached_task.progress_of(task.key_of(study))
    assert told and "no conditions" in told["failed"]
    assert not Rehearsal.objects.exists()
    tasks.rehearse(10**6, 1, 5)  # a study deleted meanwhile


def test_an_error_inside_reaches_the_page_in_words(
    admin_client: Client, study: Study, sent: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> None:
        raise MemoryError("no room")

    monkeypatch.setattr(run, "run", fails)
    tasks.rehearse(study.pk, 1, 5)
    page = admin_client.get(reverse("admin:study_live", args=[study.pk])).content.decode()
    assert "MemoryError: no room" in page


def test_a_broker_that_is_away_is_said_so(
    admin_client: Client, study: Study, sent: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise OSError("connection refused")

    monkeypatch.setattr(app, "send_task", away)
    assert "connection refused" in ask(admin_client, study)
    assert cached_task.progress_of(task.key_of(study)) is None
