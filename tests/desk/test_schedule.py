"""What recurs is done when it is due, whatever fails beside it; backups are made daily and the oldest go."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.utils import timezone

from survey_site.desk import schedule
from survey_site.desk.schedule import Recurring, Schedule
from survey_site.stimuli.models import PrecomputeJob
from tests import factories

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


def counting(done: list[str], name: str) -> Callable[[], None]:
    return lambda: done.append(name)


def test_each_is_done_at_its_own_pace() -> None:
    done: list[str] = []
    planned = Schedule(
        [
            Recurring(name, timedelta(seconds=every), counting(done, name))
            for name, every in (("a", 2), ("b", 5))
        ]
    )
    for second in range(11):
        planned.run_due(NOON + timedelta(seconds=second))
    assert (done.count("a"), done.count("b")) == (6, 3)


def test_what_fails_keeps_no_other_from_its_turn_and_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    done: list[str] = []

    def failing() -> None:
        done.append("tried")
        raise OSError("away")

    planned = Schedule(
        [
            Recurring("bad", timedelta(seconds=1), failing),
            Recurring("good", timedelta(seconds=1), counting(done, "good")),
        ]
    )
    assert planned.run_due(NOON) == ["good"]
    assert planned.run_due(NOON + timedelta(seconds=1)) == ["good"]
    assert done == ["tried", "good"] * 2
    assert caplog.text.count("bad failed") == 2


@pytest.mark.django_db
@pytest.mark.usefixtures("media")
def test_without_any_worker_lost_jobs_come_back_and_ended_sessions_go() -> None:
    study = factories.draft()
    lost = PrecomputeJob.objects.create(
        stimulus=study.stimuli.first(),
        classifier="a",
        methods=["gradcam"],
        state=PrecomputeJob.State.RUNNING,
        lease_expires_at=timezone.now() - timedelta(minutes=1),
    )
    Session.objects.create(session_key="old", session_data="", expire_date=timezone.now() - timedelta(days=1))
    out = StringIO()
    call_command("scheduler", once=True, stdout=out)
    lost.refresh_from_db()
    assert lost.state == PrecomputeJob.State.QUEUED
    assert not Session.objects.exists()
    assert "the backup" not in out.getvalue()


def test_a_backup_keeps_nothing_else_waiting() -> None:
    """It takes minutes or hours, and has a thread of its own."""
    assert "the backup" not in [one.name for one in schedule.of_the_site()._next]
    assert [one.name for one in schedule.of_backups()._next] == ["the backup"]


@pytest.fixture
def backups_made(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """What `manage.py backup` was asked for; tests/backup tests the command itself."""
    asked: list[tuple[str, dict[str, Any]]] = []

    def made(name: str, to: str = "", **options: Any) -> None:
        asked.append((name, options))
        (Path(to) / f"saliency-survey-new-{len(asked)}.tar").touch()

    monkeypatch.setattr(schedule, "call_command", made)
    return asked


@pytest.mark.django_db
def test_a_site_that_nobody_has_an_account_of_is_not_backed_up(
    tmp_path: Path, settings: Any, django_user_model: Any
) -> None:
    """The line in its log would keep a backup from being restored into it."""
    settings.BACKUP_DIR = str(tmp_path)
    assert not schedule.backup_is_due(timezone.now())
    django_user_model.objects.create_user("ada")
    assert schedule.backup_is_due(timezone.now())


@pytest.mark.usefixtures("admin_user")
def test_a_backup_is_made_once_in_a_day_and_the_oldest_beyond_those_kept_go(
    tmp_path: Path, settings: Any, backups_made: list[tuple[str, dict[str, Any]]]
) -> None:
    settings.BACKUP_DIR, settings.BACKUP_KEEP, settings.BACKUP_ENCRYPT_TO = str(tmp_path), 3, ["age1abc"]
    for days in range(1, 5):
        file = tmp_path / f"saliency-survey-{days}.tar"
        file.touch()
        os.utime(file, (timezone.now().timestamp() - 86400 * days,) * 2)
    (tmp_path / "notes.txt").touch()
    now = timezone.now()
    assert schedule.backup_is_due(now)
    schedule.back_up()
    assert not schedule.backup_is_due(now)
    assert schedule.backup_is_due(now + timedelta(days=1, seconds=1))
    kept = sorted(file.name for file in tmp_path.iterdir())
    assert kept == [
        "notes.txt",
        "saliency-survey-1.tar",
        "saliency-survey-2.tar",
        "saliency-survey-new-1.tar",
    ]
    assert backups_made == [("backup", {"encrypt_to": ["age1abc"], "without_media": False})]


def test_without_a_folder_no_backup_is_made(settings: Any) -> None:
    settings.BACKUP_DIR = ""
    assert not schedule.backup_is_due(timezone.now())
