"""`manage.py doctor`: what ails is said with its remedy, and the rest is looked at all the same."""

import os
import shutil
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from survey_site.desk import doctor
from survey_site.desk.doctor import Ailing
from survey_site.stimuli.storage import AtomicFileSystemStorage
from survey_site.trials.views import health
from tests import factories, servers

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
BOTH = {"one@here": ["saliency"], "two@here": ["reports"]}


@pytest.fixture(autouse=True)
def _workers_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "workers", lambda: doctor.heard(BOTH))


def said() -> tuple[dict[str, str], int]:
    """By part what was said, and how many ail."""
    out, ailing = StringIO(), 0
    try:
        call_command("doctor", stdout=out)
    except CommandError as error:
        ailing = int(str(error).split()[0])
    lines = out.getvalue().splitlines()
    return {line[5:19].strip(): line[:5].strip() + " " + line[20:] for line in lines}, ailing


def test_a_site_that_is_well_says_so_of_every_part() -> None:
    found, ailing = said()
    assert ailing == 0, found
    assert set(found) == {
        "versions", "database", "storage", "broker", "cache", "mail", "disks", "backups", "weights", "writing files",
        "clock", "jobs", "workers",
    }  # fmt: skip
    assert all(line.startswith("ok") for line in found.values())


def test_versions_name_tensorflow_or_say_that_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    there = {"celery": "5.6", "tensorflow-cpu": "2.21"}
    monkeypatch.setattr(doctor, "_installed", lambda name: there.get(name, ""))
    assert "Celery 5.6, TensorFlow 2.21" in doctor.versions() and "no TensorFlow" not in doctor.versions()
    del there["tensorflow-cpu"]
    assert doctor.versions().endswith("no TensorFlow (workers of maps need it)")


def test_a_full_disk_and_a_storage_that_is_away_are_told(
    media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(AtomicFileSystemStorage, "_save", full)
    found, ailing = said()
    assert ailing == 1
    assert "No space left on device" in found["writing files"]
    factories.Study.objects.create(slug="one").stimuli.create(
        key="a", path="stimuli/a.png", width=1, height=1
    )
    shutil.rmtree(media)
    found, ailing = said()
    assert "mount its disk" in found["storage"]
    assert "writing files" not in found


def test_missing_migrations_are_told_and_no_table_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "unapplied", lambda: ["trials.0002_more"])
    found, ailing = said()
    assert ailing == 1
    assert (
        found["database"]
        == "AILS 1 migrations are not applied, first trials.0002_more; run manage.py migrate"
    )
    assert "jobs" not in found


def test_a_full_disk_and_a_backup_that_is_late_or_missing_are_told(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.BACKUP_DIR = str(tmp_path / "backups")
    monkeypatch.setattr(doctor, "LEAST_FREE_BYTES", 2**62)
    found, ailing = said()
    assert ailing == 2
    assert "make room on the disk of" in found["disks"]
    assert "none in" in found["backups"]
    (tmp_path / "backups").mkdir()
    made = tmp_path / "backups" / "saliency-survey-x.tar"
    made.touch()
    assert said()[0]["backups"].startswith("ok saliency-survey-x.tar, 0 hours old")
    os.utime(made, (0, 0))
    assert "is the scheduler up" in said()[0]["backups"]


def test_a_mail_server_that_does_not_answer_and_a_folder_that_is_not_there_are_told(settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.MAIL_IS_SENT, settings.EMAIL_HOST, settings.EMAIL_PORT = True, "127.0.0.1", servers.free_port()
    settings.SALIENCY_WEIGHTS_DIR = "/nowhere"
    found, ailing = said()
    assert ailing == 2
    assert "look at EMAIL_URL" in found["mail"]
    assert "there is no folder /nowhere" in found["weights"]


def test_clocks_that_are_apart_are_told() -> None:
    now = datetime(2030, 1, 1, tzinfo=UTC)
    assert doctor.apart(now + timedelta(milliseconds=40), now) == "40 ms apart"
    with pytest.raises(Ailing, match="3600 s off"):
        doctor.apart(now - timedelta(hours=1), now)


def test_a_queue_without_anybody_is_told_with_the_command_that_helps() -> None:
    assert doctor.heard(BOTH) == "one@here: saliency, two@here: reports"
    with pytest.raises(
        Ailing, match=r"queue reports answers; start `celery -A survey_site worker -Q reports"
    ):
        doctor.heard({"one@here": ["saliency"]})
    with pytest.raises(Ailing, match="saliency or reports"):
        doctor.heard({})


def test_workers_of_one_name_are_told_apart_by_their_queues(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    replies = [{"celery@here": [{"name": "saliency"}]}, {"celery@here": [{"name": "reports"}]}]
    monkeypatch.setattr(doctor.app.control, "broadcast", lambda *_, **__: replies)
    assert doctor.workers() == "celery@here: saliency reports"
    monkeypatch.setattr(doctor.app.control, "broadcast", lambda *_, **__: None)
    with pytest.raises(Ailing, match="saliency or reports"):
        doctor.workers()


def test_jobs_that_nobody_takes_are_told() -> None:
    stimulus = factories.draft(images=1, reserve=0).stimuli.get()
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    job = stimulus.jobs.create(classifier="demo-cnn", methods=["cam"], settings={}, announced_at=long_ago)
    found, ailing = said()
    assert ailing == 1
    assert found["jobs"].startswith("AILS 1 wait, 0 failed; some since")
    job.state, job.announced_at = "failed", None
    job.save()
    assert said()[0]["jobs"] == "ok 0 wait, 1 failed (the desk's list of jobs says why)"
