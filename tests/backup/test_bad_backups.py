"""Whatever is given to `restore` instead of a backup, and whatever stops a backup being made, is one clear line."""

import io
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyrage
import pytest
from django.core.management import CommandError, call_command

from survey_site.backup import archive, databases, encryption, making, media
from survey_site.backup.errors import BackupError
from survey_site.stimuli import storage
from survey_site.studies.models import Study

pytestmark = pytest.mark.django_db
MANY = 40


@pytest.fixture
def backup(tmp_path: Path, media: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of a site with one file, whose database is a few bytes; the site is empty again."""
    storage.put("stimuli", b"a picture" * 300, ".png")
    monkeypatch.setattr(databases, "dump", lambda target: target.write_bytes(b"a database" * 200))
    monkeypatch.setattr(databases, "load", lambda source: pytest.fail("it was loaded"))
    made = making.make(tmp_path / "backup.tar").path
    for file in media.rglob("*.png"):
        file.unlink()
    return made


def told(source: Path, **options: Any) -> str:
    """The one line; afterwards there is neither a row nor a file."""
    with pytest.raises(CommandError) as caught:
        call_command("restore", str(source), **options)
    assert "\n" not in str(caught.value)
    assert not Study.objects.exists() and media.names() == []
    return str(caught.value)


def places(size: int) -> list[int]:
    """Many lengths below the size, those beside the blocks of a tar among them."""
    step = max(size // MANY, 1)
    return sorted({*range(0, size, step), *(n for n in (511, 512, 513, 1024, 1025) if n < size)})


def test_a_backup_cut_short_anywhere(backup: Path, tmp_path: Path) -> None:
    """Up to the last byte of its list of files; what a tar has behind that are zeros."""
    data, short = backup.read_bytes(), tmp_path / "short.tar"
    for size in places(len(data.rstrip(b"\0"))):
        short.write_bytes(data[:size])
        assert told(short) in (archive.HALF, archive.MADE_BY), size


def test_an_encrypted_backup_cut_short_anywhere(backup: Path, tmp_path: Path) -> None:
    key, short = tmp_path / "key.txt", tmp_path / "short.tar.age"
    data = pyrage.encrypt(backup.read_bytes(), [encryption.recipient(encryption.new_key(key))])
    for size in places(len(data)):
        short.write_bytes(data[:size])
        said = told(short, identity=str(key))
        assert said == archive.MADE_BY or said.startswith("The backup was altered or cut short"), (size, said)


def test_a_backup_encrypted_with_a_password_or_opened_with_a_locked_key(backup: Path, tmp_path: Path) -> None:
    key, locked = tmp_path / "key.txt", tmp_path / "locked.age"
    encryption.new_key(key)
    locked.write_bytes(pyrage.passphrase.encrypt(b"a backup", "a password"))
    assert told(locked, identity=str(key)).startswith(("This key does not open", "The backup was altered"))
    locked.write_bytes(
        pyrage.encrypt(backup.read_bytes(), [encryption.recipient(encryption.new_key(tmp_path / "k2"))])
    )
    for content in (
        b"",
        b"\xff\xfe\0",
        b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n",
        b"AGE-SECRET-KEY-1QQQ",
    ):
        key.write_bytes(content)
        assert str(key) in told(locked, identity=str(key))
    assert str(tmp_path) in told(locked, identity=str(tmp_path))


def names(backup: Path) -> list[str]:
    with tarfile.open(backup) as tar:
        return tar.getnames()


def head_of(backup: Path) -> dict[str, Any]:
    with tarfile.open(backup) as tar:
        found: dict[str, Any] = json.load(tar.extractfile(archive.HEAD))  # type: ignore[arg-type]
    return found


def tar_of(target: Path, *members: tuple[str, bytes] | tarfile.TarInfo) -> Path:
    with tarfile.open(target, "w") as tar:
        for one in members:
            if isinstance(one, tarfile.TarInfo):
                tar.addfile(one)
            else:
                member = tarfile.TarInfo(one[0])
                member.size = len(one[1])
                tar.addfile(member, io.BytesIO(one[1]))
    return target


def odd(name: str, kind: bytes, size: int = 0, leads_to: str = "/etc/passwd") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.size, member.linkname = kind, size, leads_to
    return member


@pytest.mark.parametrize("without", ["made_at", "engine", "migrations", "key", "media"])
def test_a_head_that_lacks_something_or_holds_another_kind_of_value(
    backup: Path, tmp_path: Path, without: str
) -> None:
    head = head_of(backup)
    for wrong in (
        {name: value for name, value in head.items() if name != without},
        head | {without: {"x": [[1]]}},
    ):
        bad = tar_of(tmp_path / "bad.tar", (archive.HEAD, json.dumps(wrong).encode()), (archive.LIST, b"{}"))
        assert told(bad) == archive.MADE_BY


LISTS = [b"{}", b"[]", b"null", b'{"files": []}', b'{"files": {}, "seal": 3}', b"[" * 200_000, b"\xff", b""]


@pytest.mark.parametrize("content", LISTS, ids=range(len(LISTS)))
def test_a_list_or_head_of_other_things(backup: Path, tmp_path: Path, content: bytes) -> None:
    head = json.dumps(head_of(backup)).encode()
    assert (
        told(tar_of(tmp_path / "bad.tar", (archive.HEAD, head), (archive.LIST, content))) == archive.MADE_BY
    )
    assert (
        told(tar_of(tmp_path / "bad.tar", (archive.HEAD, content), (archive.LIST, b"{}"))) == archive.MADE_BY
    )


MEMBERS: dict[str, Callable[[], tarfile.TarInfo]] = {
    "a symbolic link": lambda: odd("media/x", tarfile.SYMTYPE),
    "a hard link": lambda: odd("media/x", tarfile.LNKTYPE),
    "a device": lambda: odd("media/x", tarfile.CHRTYPE),
    "a fifo": lambda: odd("media/x", tarfile.FIFOTYPE),
    "a folder": lambda: odd("media/", tarfile.DIRTYPE),
    "a name with NUL": lambda: odd("media/a\0../../b", tarfile.SYMTYPE),
    "an empty name": lambda: odd(".", tarfile.REGTYPE),
    "many steps up": lambda: odd("media/" + "../" * 40 + "etc/x", tarfile.REGTYPE),
}


@pytest.mark.parametrize("what", MEMBERS)
def test_members_that_are_no_files_below_the_folder(backup: Path, tmp_path: Path, what: str) -> None:
    head = json.dumps(head_of(backup)).encode()
    assert told(tar_of(tmp_path / "bad.tar", (archive.HEAD, head), MEMBERS[what]())) == archive.MADE_BY


def test_a_declared_size_that_is_not_there(backup: Path, tmp_path: Path) -> None:
    head = json.dumps(head_of(backup)).encode()
    for size in (10**6, 8**11 - 1, 2**60):
        data = tar_of(tmp_path / "bad.tar", (archive.HEAD, head)).read_bytes().rstrip(b"\0")
        header = odd("media/x", tarfile.REGTYPE, size).tobuf(tarfile.GNU_FORMAT)
        (tmp_path / "bad.tar").write_bytes(data.ljust(1024, b"\0") + header + b"little")
        assert told(tmp_path / "bad.tar") == archive.HALF


def test_the_same_name_twice_and_a_file_in_the_place_of_a_folder(backup: Path, tmp_path: Path) -> None:
    head = (archive.HEAD, json.dumps(head_of(backup)).encode())
    twice = tar_of(tmp_path / "bad.tar", head, ("media/x", b"1"), ("media/x", b"2"))
    assert told(twice).startswith("The backup could not be unpacked: [Errno 17] File exists")
    below = tar_of(tmp_path / "bad.tar", head, ("media/x", b"1"), ("media/x/y", b"2"))
    assert told(below).startswith("The backup could not be unpacked: [Errno ")
    long = tar_of(tmp_path / "bad.tar", head, ("media/" + "x" * 300, b"1"))
    assert told(long).startswith("The backup could not be unpacked: [Errno 36] File name too long")


def test_a_disk_that_is_full_leaves_nothing_of_a_backup(
    backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """/dev/full, whose every write fails as that of a full disk does, in the place of the file on its way."""
    place, key = tmp_path / "to", tmp_path / "key.txt"
    place.mkdir()
    public = encryption.new_key(key)
    opened = os.fdopen

    def full(descriptor: int, mode: str = "r", *more: Any) -> Any:
        file = opened(descriptor, mode, *more)
        return (
            open("/dev/full", "wb", buffering=0)
            if str(place) in str(Path(f"/proc/self/fd/{descriptor}").readlink())
            else file
        )

    monkeypatch.setattr(making.os, "fdopen", full)
    for recipients in ([], [public]):
        with pytest.raises(BackupError, match=r"No space left on device") as caught:
            making.make(place, recipients=recipients)
        assert "\n" not in str(caught.value)
        assert list(place.iterdir()) == []


def test_two_backups_at_once_into_one_file(
    backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, second = tmp_path / "same.tar", []

    def meanwhile(to: Path) -> None:
        to.write_bytes(b"a database")
        if not second:
            with pytest.raises(BackupError, match=r"^Another backup is just being written to .*same\.tar"):
                second.append("asked")
                making.make(target)

    monkeypatch.setattr(databases, "dump", meanwhile)
    making.make(target)
    assert second and archive.HEAD in names(target)
    with pytest.raises(BackupError, match="is there already"):
        making.make(target)
    assert list(tmp_path.glob(".*")) == []


def test_what_a_killed_backup_left_is_written_over(backup: Path, tmp_path: Path) -> None:
    (tmp_path / ".new.tar.part").write_bytes(b"x" * 100_000)
    made = making.make(tmp_path / "new.tar").path
    assert archive.LIST in names(made) and list(tmp_path.glob(".*")) == []
