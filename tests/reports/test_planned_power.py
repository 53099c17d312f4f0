"""Power of a draft: asked of a task, kept under all that it depends on, shown on the check page."""

import html
import time
from math import sqrt
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from survey_site.celery import app
from survey_site.protocols import document
from survey_site.protocols.models import Protocol
from survey_site.reports import cached_task, tasks
from survey_site.reports.rehearsal import power
from survey_site.reports.rehearsal.pilot_scatter import scatter_of
from survey_site.statistics.power import Plan
from survey_site.studies.models import Study
from survey_site.trials.models import Participant, Response, Trial
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
    for seconds, says in ((30, "No worker has taken it up yet"), (100, "you can ask again")):
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


def pilot_with_answers(study: Study, people: int, spread: bool = True) -> Protocol:
    """A pilot of the study that so many people finished, rating four images in both columns."""
    conditions = list(study.conditions.order_by("column_order"))
    sealed = [
        {"column": c.column, "column_order": c.column_order, "classifier": c.classifier, "base": c.base,
         "method": c.method, "is_reference": c.is_reference}
        for c in conditions
    ]  # fmt: skip
    document = {
        "format": 2,
        "conditions": sealed,
        "tasks": study.task_settings,
        "design": {"colour_map": "jet", "image_px": 64},
    }
    pilot = Protocol.objects.create(study=study, version=1, pilot=True, hash="a" * 64, document=document)
    images = list(study.stimuli.order_by("pk")[:4])
    for number in range(people):
        who = Participant.objects.create(study=study, protocol=pilot, state="finished", code=f"q{number}")
        for place, image in enumerate(images):
            for column in (0, 1):
                score = 3.0 + ((number % 3) - 1 + (place % 2)) * spread
                trial = Trial.objects.create(
                    participant=who, position=2 * place + column, block="rating", task="rating", stimulus=image,
                    condition=conditions[column], pool=[],
                )  # fmt: skip
                Response.objects.create(
                    trial=trial, idempotency_key=f"{trial.pk}", body_hash="", seen="yes", score=score,
                    answer={"rating": int(score)}, answered_at=timezone.now(),
                )  # fmt: skip
    return pilot


def test_the_pilot_s_scatter_flows_into_the_power_by_a_button(
    admin_client: Client, study: Study, sent: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(power, "REPETITIONS", 10)
    url = reverse("admin:study_power", args=[study.pk])
    assert "pilot's scatter" not in html.unescape(check_page(admin_client, study))
    pilot = pilot_with_answers(study, 6)
    assert "Simulate the power with the pilot's scatter" in html.unescape(check_page(admin_client, study))
    admin_client.post(url, {"scatter": "pilot"})
    tasks.power(*sent[0]["args"])
    page = admin_client.get(url).content.decode()
    assert "Standard deviations from 6 participants of the pilot" in page
    asked = power.questions(study, document.assessment_of(study), pilot)
    result = power.result_of(power.key_of(asked, pilot))
    assert result is not None
    index = next(found for found in result if found["outcome"] == "index")["scatter"]
    faith = next(found for found in result if found["outcome"] == "faith")["scatter"]
    assert index is not None and faith is not None
    # People at −1, 0, 1 (twice) and images at ∓½ (twice), as all pairs of two people, or of two images, tell it.
    assert index["participant"] == pytest.approx(sqrt(4 / 6 - 1 / 12))
    assert index["item"] == pytest.approx(sqrt(1 / 4 - 4 / 30))
    assert faith["note"].startswith("the pilot has 0 participants") and faith["participant"] == 0.7


def test_another_answer_of_the_pilot_asks_anew(study: Study) -> None:
    pilot = pilot_with_answers(study, 3)
    asked = power.questions(study, document.assessment_of(study), pilot)
    before = power.key_of(asked, pilot)
    Participant.objects.create(study=study, protocol=pilot, state="finished", code="late")
    assert power.key_of(asked, pilot) != before


@pytest.mark.parametrize(
    ("people", "spread", "told"), [(1, True, "1 participants"), (4, False, "as assumed")]
)
def test_a_pilot_that_tells_too_little_keeps_the_assumptions_and_says_so(
    study: Study, people: int, spread: bool, told: str
) -> None:
    pilot = pilot_with_answers(study, people, spread)
    plan = Plan({"a": 1.0, "b": 4.0}, 12, 1, scale=(0, 6))
    used, words = scatter_of(pilot, power.outcome_named("index"), plan)
    assert told in words["note"]
    assert used.residual == 1.0


def test_a_planned_rule_tells_how_many_participants_it_needs(
    study: Study, admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(power, "REPETITIONS", 40)
    rule = {"outcome": "index", "column": "Ours 1", "looks": [6, 12], "spending": "pocock"}
    Study.objects.filter(pk=study.pk).update(analysis_plan={"stopping": rule, "level": 0.9})
    study.refresh_from_db()
    asked = questions(study)
    assert [question.rule for question in asked] == [None, rule]
    key = power.key_of(asked)
    tasks.power(key, [power.asdict(question) for question in asked])
    found = power.result_of(key)
    assert found is not None and found[0]["stopping"] is None and found[1]["stopping"] is not None
    looks = found[1]["stopping"]
    assert (
        sum(looks["ended"]) == pytest.approx(1)
        and 6 <= looks["participants"] <= 12
        and looks["reached"] > 0.9
    )
    page = check_page(admin_client, study)
    assert "With the planned looks" in page and "tests at 10 %" in page


def test_one_family_over_all_measures_is_tested_at_a_share_of_alpha(study: Study) -> None:
    Study.objects.filter(pk=study.pk).update(analysis_plan={"families": "together"})
    study.refresh_from_db()
    assert [question.level for question in questions(study)] == pytest.approx([0.975, 0.975])
