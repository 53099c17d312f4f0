"""Fixtures of the tests of what is refused."""

from pathlib import Path

import pytest

from survey_site.backup import databases, making
from survey_site.stimuli import storage


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
