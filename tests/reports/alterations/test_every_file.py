"""Files that were altered, cut short, taken away or exchanged are found, of each kind; one put in is tidied away."""

import io
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.core.management import call_command

from survey_site.studies.models import Study
from tests.reports.alterations.altered import faults

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("files")]

KINDS = ("stimuli/*.png", "maps/*.png", "maps/*.npy", "served/*", "models/*.keras")


def of_kind(files: Path, kind: str) -> list[Path]:
    """Two of the same kind."""
    folder, pattern = kind.split("/")
    return sorted(path for path in (files / folder).rglob(pattern) if path.is_file())[:2]


@contextmanager
def kept(*paths: Path) -> Iterator[None]:
    """The files are as they were when the block ends."""
    before = {path: path.read_bytes() for path in paths}
    try:
        yield
    finally:
        for path, data in before.items():
            path.write_bytes(data)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_each_kind(study: Study, files: Path, kind: str) -> None:
    one, two = of_kind(files, kind)
    data, other = one.read_bytes(), two.read_bytes()
    told = []
    with kept(one, two):
        for changed in (data[:-1] + bytes([data[-1] ^ 1]), data + b"\0", data[:-1], data[:9], b""):
            one.write_bytes(changed)
            told.append([fault for fault in faults() if "was changed" in fault or "not an array" in fault])
        one.write_bytes(other)
        two.write_bytes(data)
        told.append([fault for fault in faults() if "was changed" in fault])
        assert len(told.pop()) > 1  # both
        two.write_bytes(other)
        one.rename(one.with_name("elsewhere"))  # the same bytes under another name
        told.append([fault for fault in faults() if "is missing" in fault])
        one.with_name("elsewhere").unlink()
    assert all(told), told
    assert faults() == []


@pytest.mark.parametrize(("was", "now"), [(b"'<f4'", b"'>f4'"), (b"'shape': (", b"'shape':( ")])
def test_the_header_of_an_array_says_what_its_values_are(
    study: Study, files: Path, was: bytes, now: bytes
) -> None:
    one, _ = of_kind(files, "maps/*.npy")
    data = one.read_bytes()
    assert data.count(was) == 1
    with kept(one):
        one.write_bytes(data.replace(was, now))
        assert [fault for fault in faults() if "was changed" in fault]
    assert faults() == []


def test_a_file_put_in_is_named_by_tidy(study: Study, files: Path) -> None:
    """No row names it, so that nothing rests on it."""
    put_in = (files / "stimuli") / f"{'0' * 64}.png"
    shutil.copy(of_kind(files, "stimuli/*.png")[0], put_in)
    old = time.time() - 30 * 86400
    os.utime(put_in, (old, old))
    out = io.StringIO()
    try:
        call_command("tidy", stdout=out)
    finally:
        put_in.unlink()
    assert f"stimuli/{put_in.name}" in out.getvalue()
    assert faults() == []
