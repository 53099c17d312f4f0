"""Power of a draft: asked of a task, kept under all that it depends on, shown on the check page."""

import time
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from survey_site.celery import app
from survey_site.protocols import document
from survey_site.reports import cached_task, tasks
from survey_site.reports.rehearsal import power
from survey_site.studies.models import Study
from tests.studies.sample import ready_study

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


@pytest.fixture
def study() -> Study:
    cache.clear()
    return ready_study(target_participants=12, pool_size=2, images=8)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    monkeypatch.setattr(app, "send_task", lambda name, **told: messages.append({"name": name} | told))
    return messages


def questions(study: Study) -> list[power.PlannedComparison]:
    return power.questions(study, document.assessment_of(study))


def check_page(client: Client, study: Study) -> str:
    return client.get(reverse("admin:study_check", args=[study.pk])).content.decode()


def test_the_questions_follow_from_the_design_reference_first(study: Study) -> None:
    faith, index = questions(study)
    assert faith.effects == (("Grad-CAMs", 0.48), ("Ours 1", 0.96))
    assert (faith.participants, faith.trials, faith.items) == (12, 1, 4)
    assert (index.outcome, index.effects[1]) == ("index", ("Ours 1", 4.05))
    study.conditions.filter(column="Ours 1").update(method="edges", base="")
    assert questions(Study.objects.get(pk=study.pk)) == []  # a control is compared with, never tested


def test_the_page_asks_once_shows_progress_and_then_the_result(
    admin_client: Client, study: Study, sent: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(power, "REPETITIONS", 20)
    url = reverse("admin:study_power", args=[study.pk])
    assert "Simulate the power" in check_page(admin_client, study)
    for _ in range(2):
        admin_client.post(url)
    assert [(m["name"], m["queue"]) for m in sent] == [("reports.power", "reports")]
    assert "hx-get" in check_page(admin_client, study)
    tasks.power(*sent[0]["args"])
    page = admin_client.get(url).content.decode()
    assert "hx-get" not in page
    assert "20 simulated studies of 12 participants" in page
    assert "power against the reference" in page
    Study.objects.filter(pk=study.pk).update(target_participants=14)
    assert "Simulate the power" in check_page(admin_client, study)


def test_a_strong_effect_has_more_power_than_chance(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(power, "REPETITIONS", 40)
    asked = questions(study)
    key = power.key_of(asked)
    tasks.power(key, [power.asdict(question) for question in asked])
    result = power.result_of(key)
    assert result is not None
    assert result[1]["power"]["Ours 1"] > 0.9  # index 4.05 against 1.02


def test_a_queue_that_nobody_serves_is_told_kindly(
    admin_client: Client, study: Study, sent: list[dict[str, Any]]
) -> None:
    key = power.key_of(questions(study))
    url = reverse("admin:study_power", args=[study.pk])
    for seconds, says in ((30, "No worker has taken the simulation up yet"), (100, "you can ask again")):
        told = {"fraction": 0.0, "label": "", "failed": "", "at": time.time() - seconds}
        cache.set(f"progress:{key}", told)
        assert says in admin_client.get(url).content.decode()
    admin_client.post(url)
    assert len(sent) == 1


def test_a_broker_that_is_away_is_told_and_nothing_waits(
    admin_client: Client, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ConnectionError("broker away")

    monkeypatch.setattr(app, "send_task", refuse)
    url = reverse("admin:study_power", args=[study.pk])
    page = admin_client.post(url, follow=True).content.decode()
    assert "broker away" in page
    assert "hx-get" not in admin_client.get(url).content.decode()


def test_a_failed_simulation_says_why(study: Study) -> None:
    bad = {
        "outcome": "faith",
        "effects": [["A", 2.0], ["B", 0.5]],
        "participants": 4,
        "trials": 1,
        "items": 2,
    }
    tasks.power("power:bad", [bad])
    told = cached_task.progress_of("power:bad")
    assert told is not None
    assert "between 0 and 1" in told["failed"]
