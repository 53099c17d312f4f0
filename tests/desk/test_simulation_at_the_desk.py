"""Simulated participants from the monitor: asked for, played with progress, marked, never counted, and taken out again."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from survey_site.celery import app
from survey_site.protocols import life
from survey_site.reports import cached_task, monitor, simulating, tasks, verify
from survey_site.reports.point_report import point_report
from survey_site.reports.population import Population
from survey_site.studies.models import AuditEntry, Membership, Study
from survey_site.trials.models import Participant, Response
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    cache.clear()
    messages: list[Any] = []
    monkeypatch.setattr(app, "send_task", lambda name, args, queue: messages.append((name, args)))
    yield messages
    cache.clear()


def at(study: Study, part: str = "monitor") -> str:
    return reverse(f"admin:study_{part}", args=[study.pk])


def test_they_are_asked_for_once_and_play_with_progress(admin_client: Client, sent: list[Any]) -> None:
    study = factories.live("s")
    page = admin_client.post(at(study, "simulation"), {"participants": "3"}, follow=True).content.decode()
    assert sent == [("reports.simulate", [study.pk, 3, 0])]
    assert 'hx-get="' + at(study, "simulation") in page
    admin_client.post(at(study, "simulation"), {"participants": "3"})
    assert len(sent) == 1
    cached_task.set_progress(simulating.key_of(study), 0.3, "2 / 3")
    assert "Playing: 2 / 3" in admin_client.get(at(study, "simulation")).content.decode()
    tasks.simulate(*sent[0][1])
    assert cached_task.progress_of(simulating.key_of(study)) is None
    kinds = set(Participant.objects.filter(study=study).values_list("kind", flat=True))
    assert kinds == {Participant.Kind.BOT} and simulating.counted(study).total == 3
    assert "3 are in the study" in admin_client.get(at(study)).content.decode()
    assert AuditEntry.objects.filter(study=study, verb="simulated participants", detail="3").exists()


def test_they_count_nowhere_unless_asked_for(sent: list[Any]) -> None:
    study = factories.live("s")
    tasks.simulate(study.pk, 4, 1)
    now = monitor.counted(study)
    assert (now.finished, now.bots) == (0, 4)
    columns = point_report(study, Population(), None)["columns"]
    assert all(not column["faith"]["n"] for column in columns)
    with_them = point_report(study, Population(bots=True), None)["columns"]
    assert any(column["faith"]["n"] for column in with_them)


def test_taking_them_out_erases_their_answers_and_nobody_elses(admin_client: Client, sent: list[Any]) -> None:
    study = factories.live("s")
    person = factories.participant(study)
    tasks.simulate(study.pk, 3, 1)
    page = admin_client.post(at(study, "simulation"), {"verb": "take-out"}, follow=True).content.decode()
    assert "3 simulated participants were taken out" in page
    assert not Response.objects.filter(participant__kind=Participant.Kind.BOT).exists()
    assert Participant.objects.get(pk=person.pk).state != Participant.State.WITHDRAWN
    assert simulating.counted(study) == simulating.Simulated()
    assert monitor.counted(study).bots == 0
    assert not [one for one in verify.rows(study) if one.problem]
    assert AuditEntry.objects.filter(study=study, verb="simulated taken out", detail="3").exists()


@pytest.mark.parametrize("wish", ["0", "201", "-1", "many", "", "9" * 9])
def test_numbers_that_cannot_be_are_refused(admin_client: Client, sent: list[Any], wish: str) -> None:
    study = factories.live("s")
    page = admin_client.post(at(study, "simulation"), {"participants": wish}, follow=True).content.decode()
    assert "from 1 to 200" in page and not sent


def test_a_study_that_takes_nobody_in_takes_no_simulated_ones_either(
    admin_client: Client, admin_user: User, sent: list[Any]
) -> None:
    study = factories.live("s")
    life.step(study, "close", admin_user)
    page = admin_client.post(at(study, "simulation"), {"participants": "3"}, follow=True).content.decode()
    assert "takes nobody in now" in page and not sent
    tasks.simulate(study.pk, 1, 1)  # closed after it was asked for
    told = cached_task.progress_of(simulating.key_of(study))
    assert told and "UnexpectedPage" in told["failed"]


def test_only_editors_simulate(client: Client, sent: list[Any]) -> None:
    study = factories.live("s")
    user = User.objects.create_user("ann", is_staff=True)
    Membership.objects.create(study=study, user=user, role=Membership.Role.ANALYST)
    client.force_login(user)
    assert client.post(at(study, "simulation"), {"participants": "3"}).status_code == 404 and not sent
    assert "Simulated participants" not in client.get(at(study)).content.decode()
