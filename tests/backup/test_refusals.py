"""What cannot be backed up or restored is said in one line, and then nothing was done."""

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection

from survey_site.backup import archive, databases, encryption, making, media, restoring
from survey_site.backup.errors import BackupError
from survey_site.stimuli import storage
from survey_site.studies import seals
from survey_site.studies.models import Study
from survey_site.trials.models import Participant

pytestmark = pytest.mark.django_db


@pytest.fixture
def backup(tmp_path: Path, media: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of a site with one file, whose database is a few bytes: none of these gets so far as to load it."""
    storage.put("stimuli", b"a picture", ".png")
    monkeypatch.setattr(databases, "dump", lambda target: target.write_bytes(b"a database"))
    monkeypatch.setattr(databases, "load", lambda source: pytest.fail("it was loaded"))
    return making.make(tmp_path / "backup.tar").path


@pytest.fixture
def emptied(backup: Path, media: Path) -> None:
    """The same site, empty."""
    for file in media.rglob("*.png"):
        file.unlink()


def refused(source: Path, **options: Any) -> str:
    """The line; afterwards there is neither a row nor a file."""
    with pytest.raises(CommandError) as caught:
        call_command("restore", str(source), **options)
    told = str(caught.value)
    assert "\n" not in told
    assert not Study.objects.exists() and not list(media_files())
    return told


def media_files() -> list[str]:
    return media.names()


def members(source: Path) -> dict[str, bytes]:
    with tarfile.open(source) as tar:
        return {one.name: tar.extractfile(one).read() for one in tar}  # type: ignore[union-attr]


def written(target: Path, contents: dict[str, bytes]) -> Path:
    with tarfile.open(target, "w") as tar:
        for name, data in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return target


@pytest.mark.usefixtures("emptied")
def test_half_a_backup(backup: Path, tmp_path: Path) -> None:
    data = backup.read_bytes()
    half = tmp_path / "half.tar"
    listed = data.index(archive.LIST.encode())
    for size in (1500, listed // 2, listed, listed + 600):
        half.write_bytes(data[:size])
        assert refused(half) == archive.HALF
    without_list = {name: content for name, content in members(backup).items() if name != archive.LIST}
    assert refused(written(half, without_list)) == archive.HALF


@pytest.mark.usefixtures("emptied")
@pytest.mark.parametrize("content", [b"", b"x", b"PK\x03\x04" + b"\0" * 2000, b"\0" * 4096])
def test_something_else_than_a_backup(backup: Path, tmp_path: Path, content: bytes) -> None:
    other = tmp_path / "other"
    other.write_bytes(content)
    assert refused(other) == archive.MADE_BY
    assert refused(tmp_path / "none") == f"There is no file {tmp_path / 'none'}."


CHANGES: dict[str, tuple[Callable[[dict[str, bytes]], None], str]] = {
    "a later format": (
        lambda one: one.update({archive.HEAD: json.dumps(json.loads(one[archive.HEAD]) | {"version": 2}).encode()}),
        "This backup is of version 2, and this program reads version 1",
    ),
    "another database": (
        lambda one: one.update({archive.HEAD: json.dumps(json.loads(one[archive.HEAD]) | {"engine": "other"}).encode()}),
        "This backup is of a database of other, and DATABASE_URL names one of",
    ),
    "a later version": (
        lambda one: one.update(
            {archive.HEAD: json.dumps(json.loads(one[archive.HEAD]) | {"migrations": ["trials.0999_later"]}).encode()}
        ),
        "This backup was made by a later version of the program (it has trials.0999_later)",
    ),
    "another head": (
        lambda one: one.update({archive.HEAD: json.dumps(json.loads(one[archive.HEAD]) | {"made_at": "2001"}).encode()}),
        "The backup was altered: its list of files is not the sealed one",
    ),
    "a file's bytes": (
        lambda one: one.update({name: b"b" + data[1:] for name, data in one.items() if name.endswith(".png")}),
        "The backup was altered: media/stimuli/",
    ),
    "the database's bytes": (
        lambda one: one.update({databases.file_name(): b"another database"}),
        "The backup was altered: database.",
    ),
    "a file less": (
        lambda one: [one.pop(name) for name in list(one) if name.endswith(".png")],  # type: ignore[dict-item,return-value]
        "The backup was altered: media/stimuli/",
    ),
    "bytes and sums": (
        lambda one: one.update(
            {
                databases.file_name(): b"forged",
                archive.LIST: json.dumps(
                    json.loads(one[archive.LIST])
                    | {
                        "files": json.loads(one[archive.LIST])["files"]
                        | {databases.file_name(): storage.sha256(b"forged")}
                    }
                ).encode(),
            }
        ),
        "The backup was altered: its list of files is not the sealed one",
    ),
}  # fmt: skip


@pytest.mark.usefixtures("emptied")
@pytest.mark.parametrize("what", CHANGES)
def test_an_altered_backup(backup: Path, tmp_path: Path, what: str) -> None:
    change, told = CHANGES[what]
    contents = members(backup)
    change(contents)
    assert refused(written(tmp_path / "altered.tar", contents)).startswith(told)


@pytest.mark.usefixtures("emptied")
@pytest.mark.parametrize("name", ["/etc/x", "../x", "media/../../x", "media//etc/x", "./media/x"])
def test_names_that_lead_out_of_the_folder(backup: Path, tmp_path: Path, name: str) -> None:
    contents = members(backup)
    altered = {archive.HEAD: contents.pop(archive.HEAD), name: b"x", **contents}
    assert refused(written(tmp_path / "altered.tar", altered)) == archive.MADE_BY


@pytest.mark.usefixtures("emptied")
def test_a_backup_of_another_secret_key(backup: Path, settings: Any) -> None:
    settings.SECRET_KEY = "another key, which is as long as a key should be"
    assert refused(backup).startswith("This backup was made under another SECRET_KEY (its name is ")


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


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, str]:
    path = tmp_path / "key.txt"
    return path, encryption.new_key(path)


def test_an_encrypted_backup_needs_its_own_key_and_all_its_bytes(
    backup: Path, tmp_path: Path, keys: tuple[Path, str], media: Path
) -> None:
    file, public = keys
    locked = making.make(tmp_path / "locked.tar.age", recipients=[public]).path
    assert b"stimuli" not in locked.read_bytes() and b"stimuli" in backup.read_bytes()
    for one in media.rglob("*.png"):
        one.unlink()
    assert refused(locked).startswith("This backup is encrypted: give the file of its private key")
    other = tmp_path / "other.txt"
    encryption.new_key(other)
    assert refused(locked, identity=str(other)).startswith("This key does not open the backup")
    for wrong in (backup, tmp_path / "none"):
        assert "could not be read" in refused(
            locked, identity=str(wrong)
        ) or "holds no private key" in refused(locked, identity=str(wrong))
    data = bytearray(locked.read_bytes())
    data[-5000] ^= 1
    altered = tmp_path / "altered.age"
    altered.write_bytes(data)
    assert refused(altered, identity=str(file)).startswith("The backup was altered or cut short")
    altered.write_bytes(locked.read_bytes()[: len(data) // 2])
    assert refused(altered, identity=str(file)).startswith("The backup was altered or cut short")


def test_a_key_is_made_once_and_for_its_user_alone(keys: tuple[Path, str]) -> None:
    file, public = keys
    assert public.startswith("age1") and public in file.read_text()
    assert oct(file.stat().st_mode & 0o777) == "0o600"
    with pytest.raises(CommandError, match=r"File exists; no key was made"):
        call_command("backup", new_key=str(file))


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


def test_the_names_of_keys_tell_them_apart(settings: Any) -> None:
    own = seals.key_name()
    settings.SECRET_KEY = "another key, which is as long as a key should be"
    assert seals.key_name() != own and seals.known_keys() == [seals.key_name()]
    settings.SECRET_KEY_FALLBACKS = ["k" * 50]
    assert len(seals.known_keys()) == 2
    assert restoring.PURPOSE == "backup"
