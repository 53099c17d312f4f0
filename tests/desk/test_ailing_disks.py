"""A disk that fails takes neither the doctor nor the metrics with it: both go on, and the doctor says which disk it is."""

import errno
import os
import shutil
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.test import Client

from survey_site.desk import doctor, site_metrics
from tests.telemetry.test_metrics import read

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
USAGE = shutil.disk_usage


@pytest.fixture
def ailing(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path, int], None]:
    """Makes the disk of a folder fail."""

    def fail(folder: Path, number: int) -> None:
        def usage(asked: Path) -> Any:
            if asked == folder:
                raise OSError(number, os.strerror(number), str(asked))
            return USAGE(asked)

        monkeypatch.setattr(shutil, "disk_usage", usage)

    return fail


def told(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """By part what the doctor says is wrong with it."""
    monkeypatch.setattr(doctor, "workers", lambda: "")
    out = StringIO()
    with pytest.raises(CommandError, match="to be mended"):
        call_command("doctor", stdout=out)
    lines = [line for line in out.getvalue().splitlines() if line.startswith("AILS")]
    return {line[5:19].strip(): line[20:] for line in lines}


@pytest.mark.parametrize("number", [errno.EACCES, errno.ESTALE, errno.EIO])
def test_one_that_cannot_be_asked_is_named_and_the_rest_is_told(
    number: int,
    media: Path,
    client: Client,
    ailing: Callable[[Path, int], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ailing(media, number)
    found = read(client)
    assert "survey_disk_free_bytes{place=media}" not in found
    assert found["survey_disk_free_bytes{place=data}"] > 0
    assert found["survey_ready{part=storage}"] == 0
    said = told(monkeypatch)
    assert f"{media}: {os.strerror(number)}; mount its disk" in said["disks"]
    assert said["disks"].startswith("data ")
    assert os.strerror(number) in said["storage"]


def test_a_folder_of_backups_that_cannot_be_read(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable() -> list[Path]:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(tmp_path))

    settings.BACKUP_DIR = str(tmp_path)
    monkeypatch.setattr(doctor.schedule, "backups", unreadable)
    said = told(monkeypatch)
    assert list(said) == ["backups"]
    assert "Permission denied" in said["backups"] and said["backups"].endswith(
        "look at BACKUP_DIR, its disk and its rights"
    )


def test_a_part_that_goes_while_it_is_looked_at(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> Any:
        raise OperationalError("server closed the connection; postgres://u:secret@h/d")

    monkeypatch.setattr(doctor, "jobs", gone)
    said = told(monkeypatch)
    assert list(said) == ["jobs"]
    assert "DATABASE_URL" in said["jobs"] and "secret" not in said["jobs"]
    monkeypatch.setattr(site_metrics, "rows", gone)
    monkeypatch.setattr(site_metrics, "messages", gone)
    found = read(client)
    assert found["survey_ready{part=database}"] == 1
    assert not [name for name in found if name.startswith(("survey_rows{", "survey_queue"))]


def test_every_disk_that_the_site_fills_is_watched(
    settings: Any, tmp_path: Path, media: Path, client: Client
) -> None:
    settings.BACKUP_DIR = str(tmp_path / "not" / "yet" / "made")
    assert (
        site_metrics.places() | {"backups": Path(settings.BACKUP_DIR), "media": media}
        == site_metrics.places()
    )
    assert read(client)["survey_disk_free_bytes{place=backups}"] > 0
    settings.BACKUP_DIR = ""
    assert "backups" not in site_metrics.places()
