"""Alive and ready: a yes or no for everybody, the reason for staff, and no work for whoever asks often."""

import json
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError
from django.test import Client

from survey_site.trials.views import health
from tests.api.keys import token_of

ALL_WELL = {"ready": True, "database": "ok", "storage": "ok", "broker": "ok", "cache": "ok"}

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh(media: Path) -> None:
    health.LOOKS.forget()


def test_everybody_learns_whether_and_staff_learns_why(
    client: Client, admin_client: Client, admin_user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.get("/healthz").content == b"ok"
    token = {"Authorization": f"Token {token_of(admin_user)}"}
    assert client.get("/readyz").json() == {"ready": True}
    assert client.get("/readyz", headers={"Authorization": "Token sv_wrong"}).json() == {"ready": True}
    assert admin_client.get("/readyz").json() == ALL_WELL
    assert client.get("/readyz", headers=token).json() == ALL_WELL
    monkeypatch.setattr(health, "LEAST_FREE_BYTES", 2**62)
    health.LOOKS.forget()
    refused = client.get("/readyz")
    assert (refused.status_code, refused.json()) == (503, {"ready": False})
    assert "make room" in json.loads(admin_client.get("/readyz").content)["storage"]


def test_whoever_is_no_staff_gets_no_details(client: Client, django_user_model: Any) -> None:
    client.force_login(
        django_user_model.objects.create_user("visitor"), backend="django.contrib.auth.backends.ModelBackend"
    )
    assert client.get("/readyz").json() == {"ready": True}


def test_a_look_writes_nothing(client: Client, media: Path) -> None:
    shutil.rmtree(media)
    client.get("/readyz")
    assert not media.exists()


def test_many_who_ask_cost_one_look(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    for name in ("_database", "_storage", "_broker", "_cache"):
        monkeypatch.setattr(health, name, lambda name=name: seen.append(name))
    now = [100.0]
    looks = health.Looks(lambda: now[0])
    for _ in range(20):
        looks.outcome()
    assert sorted(seen) == ["_broker", "_cache", "_database", "_storage"]
    now[0] += health.KEEP_SECONDS
    looks.outcome()
    assert len(seen) == 8


def test_a_part_that_is_silent_holds_nobody_but_who_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_database", "_storage", "_cache"):
        monkeypatch.setattr(health, name, lambda: None)
    begun, over, now = threading.Event(), threading.Event(), [100.0]
    monkeypatch.setattr(health, "_broker", lambda: None)
    looks = health.Looks(lambda: now[0])
    assert looks.outcome()["broker"] == "ok"

    def silent() -> None:
        begun.set()
        assert over.wait(60)
        raise OSError("timed out")

    monkeypatch.setattr(health, "_broker", silent)
    now[0] += health.KEEP_SECONDS
    thread = threading.Thread(target=looks.outcome)
    thread.start()
    assert begun.wait(60)
    assert looks.outcome()["broker"] == "ok"  # what was known, at once
    now[0] += health.MOST_SECONDS
    assert looks.outcome()["broker"] == "no answer for 10 seconds"  # and not for ever
    over.set()
    thread.join(60)
    assert looks.outcome()["broker"] == "failed: OSError"


def test_whoever_comes_while_the_first_look_waits_is_told_which_part_is_silent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("_database", "_broker", "_cache"):
        monkeypatch.setattr(health, name, lambda: None)
    begun, over, now = threading.Event(), threading.Event(), [100.0]

    def silent() -> None:
        begun.set()
        assert over.wait(60)

    monkeypatch.setattr(health, "_storage", silent)
    looks = health.Looks(lambda: now[0])
    thread = threading.Thread(target=looks.outcome)
    thread.start()
    assert begun.wait(60)
    now[0] += health.MOST_SECONDS
    assert looks.outcome() == {
        "database": "ok",
        "storage": "no answer for 10 seconds",
        "broker": "not looked at, since a part before it does not answer",
        "cache": "not looked at, since a part before it does not answer",
    }
    over.set()
    thread.join(60)
    assert set(looks.outcome().values()) == {"ok"}


def test_without_a_database_it_answers_all_the_same(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object) -> None:
        raise DatabaseError("password=…")

    monkeypatch.setattr(health, "_database", broken)
    monkeypatch.setattr(health, "_is_staff", broken)
    answer = admin_client.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"ready": False})
