"""A backup that was altered, cut short or locked with another key is refused in one line, and then nothing was done."""

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from survey_site.backup import archive, databases, encryption, making, restoring
from survey_site.stimuli import storage
from survey_site.studies import seals
from tests.backup.refused import members, refused

pytestmark = pytest.mark.django_db


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


def test_the_names_of_keys_tell_them_apart(settings: Any) -> None:
    own = seals.key_name()
    settings.SECRET_KEY = "another key, which is as long as a key should be"
    assert seals.key_name() != own and seals.known_keys() == [seals.key_name()]
    settings.SECRET_KEY_FALLBACKS = ["k" * 50]
    assert len(seals.known_keys()) == 2
    assert restoring.PURPOSE == "backup"
