"""Whoever is attacked by wrong passwords is mailed, once a day, and by nobody's request."""

import smtplib
from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from survey_site.accounts.login_throttle import STORM
from survey_site.notifications import storms, tasks
from survey_site.studies.models import AuditEntry

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nobody_was_told(settings: Any) -> None:
    settings.MAIL_IS_SENT = True
    cache.clear()


def attacked(name: str = "ada", times: int = STORM, email: str = "ada@example.org") -> User:
    user = User.objects.create_user(name, email, "correct horse battery", is_staff=True)
    for number in range(times):
        sent = {"username": name, "password": "wrong"}
        Client().post("/admin/login/", sent, REMOTE_ADDR=f"198.51.100.{number}")
    return user


def test_the_attacked_researcher_is_mailed_once() -> None:
    user = attacked()
    assert mail.outbox == []  # signing in sends nothing
    tasks._look()
    tasks._look()
    (sent,) = mail.outbox
    assert sent.to == ["ada@example.org"]
    assert f"{STORM} wrong passwords" in sent.body
    assert "/admin/second-factor/" in sent.body
    entry = AuditEntry.objects.get(verb="mailed: many wrong passwords")
    assert entry.user == user
    assert "198.51.100" not in sent.body + entry.detail


def test_a_few_mistakes_old_ones_and_names_of_nobody_mail_nobody() -> None:
    attacked(times=STORM - 1)
    for number in range(STORM):
        Client().post(
            "/admin/login/", {"username": "eve", "password": "x"}, REMOTE_ADDR=f"198.51.101.{number}"
        )
    assert storms.tell_of_storms() == 0
    attacked("bob", email="")
    attacked("cyn", email="cyn@example.org")
    AccessAttempt.objects.filter(username="cyn").update(attempt_time=timezone.now() - timedelta(hours=25))
    assert storms.tell_of_storms() == 0


def test_a_mail_server_that_is_away_is_asked_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    attacked()

    def away(self: Any) -> None:
        raise smtplib.SMTPServerDisconnected

    with monkeypatch.context() as patched:
        patched.setattr("django.core.mail.EmailMessage.send", away)
        assert storms.tell_of_storms() == 0
    assert storms.tell_of_storms() == 0  # not every few seconds
    assert cache.get(f"storm-told-{User.objects.get().pk}")
    cache.clear()  # five minutes later
    assert storms.tell_of_storms() == 1


def test_without_a_mail_server_nothing_is_tried(settings: Any) -> None:
    settings.MAIL_IS_SENT = False
    attacked()
    assert storms.tell_of_storms() == 0
    assert not AuditEntry.objects.filter(verb__startswith="mailed").exists()
