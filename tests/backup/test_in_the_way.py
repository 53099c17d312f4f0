"""What is in the way of making a backup or of restoring one is said in one line, and then nothing was done."""

from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection

from survey_site.backup import archive, databases, making, restoring
from survey_site.backup.errors import BackupError
from survey_site.studies.models import Study
from survey_site.trials.models import Participant
from tests.backup.refused import media_files, members, refused

pytestmark = pytest.mark.django_db


def test_a_site_that_is_not_empty(backup: Path) -> None:
    with pytest.raises(CommandError, match=r"^The storage is not empty \(it has stimuli/"):
        call_command("restore", str(backup))
    Study.objects.create(slug="here", title="Here")
    with pytest.raises(CommandError, match=r"^This installation is not empty \(studies_study has rows\)"):
        call_command("restore", str(backup))


@pytest.mark.usefixtures("emptied")
@pytest.mark.parametrize("lock", ["files", "database"])
def test_two_restore_at_once(backup: Path, media: Path, lock: str) -> None:
    """From another machine the database alone is the same."""
    if lock == "database" and connection.vendor == "sqlite":
        pytest.skip("SQLite's file is in the folder that is locked")
    with restoring._alone(media.parent) if lock == "files" else databases.alone():
        assert refused(backup) == databases.RESTORING


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "Say where the backup goes"),
        ({"to": "/nowhere/at/all/x.tar"}, "There is no folder /nowhere/at/all"),
        ({"to": ".", "encrypt_to": ["agenothing"]}, "'agenothing' is no public key of age"),
        ({"to": "pyproject.toml"}, "is there already, and is not written over"),
    ],
)
def test_a_backup_that_cannot_be_made(backup: Path, options: dict[str, Any], told: str) -> None:
    with pytest.raises(CommandError, match=told):
        call_command("backup", **options)


def test_files_in_a_bucket_are_the_buckets_to_keep(backup: Path, tmp_path: Path, settings: Any) -> None:
    bucket = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": {"bucket_name": "x"}}
    settings.STORAGES = {**settings.STORAGES, "default": bucket}
    with pytest.raises(CommandError, match=r"^The storage is a bucket"):
        call_command("backup", str(tmp_path))
    with pytest.raises(CommandError, match=r"^The storage is a bucket"):
        call_command("restore", str(backup))
    made = making.make(tmp_path / "rows.tar", with_media=False)
    assert made.files == 0 and set(members(made.path)) == {archive.HEAD, databases.file_name(), archive.LIST}


def test_files_that_went_meanwhile_are_noticed(
    backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (name,) = media_files()
    monkeypatch.setattr(
        databases, "dump", lambda target: (target.write_bytes(b"x"), default_storage.delete(name))
    )
    with pytest.raises(BackupError, match=r"1 files .* were removed while the backup was made"):
        making.make(tmp_path / "second.tar")
    assert not (tmp_path / "second.tar").exists() and list(tmp_path.glob(".*")) == []


@pytest.mark.usefixtures("emptied")
def test_a_database_that_cannot_be_loaded_takes_the_files_back(
    backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(source: Path) -> None:
        assert source.read_bytes() == b"a database" and media_files()
        raise BackupError("The backup's database is damaged; nothing was restored.")

    monkeypatch.setattr(databases, "load", fail)
    assert refused(backup).startswith("The backup's database is damaged")


def test_a_damaged_database_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "broken"
    broken.write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    if connection.vendor == "sqlite":
        monkeypatch.setattr(databases, "_sqlite_path", lambda: tmp_path / "target.sqlite3")
        monkeypatch.setattr(connection, "close", lambda: None)
    else:
        monkeypatch.setattr(connection, "close", lambda: None)
    with pytest.raises(BackupError, match=r"damaged|pg_restore failed"):
        databases.load(broken)
    assert Participant.objects.count() == 0


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite's database comes back as a file")
def test_tables_of_a_later_version_are_in_nobodys_way_and_others_stay() -> None:
    """`pg_restore --clean` drops its own alone, which later ones name."""
    here = connection.introspection.table_names()
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE elsewhere (study bigint)")
    later = "stimuli_observerjob"
    listed = "".join(f"3; 1259 16402 TABLE public {table} survey\n" for table in here if table != later)
    databases._drop_later_tables(listed + f"4; 0 16402 TABLE DATA public {later} survey\n")
    assert set(connection.introspection.table_names()) == {*here, "elsewhere"} - {later}


def test_a_table_of_another_program_that_holds_rows_is_not_taken_for_an_empty_site() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE elsewhere (study bigint)")
        assert databases.holds() == ""
        cursor.execute("INSERT INTO elsewhere VALUES (1)")
        assert databases.holds() == "elsewhere"
        cursor.execute("DROP TABLE elsewhere")


def test_missing_programs_of_postgresql_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "_find", lambda program: None)
    with pytest.raises(BackupError, match=r"^pg_dump was not found: install PostgreSQL's client programs"):
        databases._postgres("pg_dump")
