"""A bundled file is used only when every byte is the listed one."""

import shutil
from pathlib import Path

import pytest

from fixtures.training.manifest import register
from saliency_worker.saliency.bundled import FOLDER, MANIFEST, bundled, manifest
from saliency_worker.saliency.errors import WeightsError

NAME = "small.weights.h5"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / NAME).write_bytes(bytes(range(256)) * 4)
    register(NAME, "a test file", tmp_path)
    return tmp_path


def test_an_intact_file_is_found(folder: Path) -> None:
    assert bundled(NAME, folder) == folder / NAME


def test_a_missing_file_is_refused_with_the_command_that_restores_it(folder: Path) -> None:
    (folder / NAME).unlink()
    with pytest.raises(WeightsError, match=rf"missing.*git checkout -- fixtures/weights/{NAME}"):
        bundled(NAME, folder)


def test_a_truncated_file_is_refused(folder: Path) -> None:
    (folder / NAME).write_bytes((folder / NAME).read_bytes()[:-1])
    with pytest.raises(WeightsError, match=r"1023 bytes instead of 1024.*git checkout"):
        bundled(NAME, folder)


def test_one_altered_bit_is_refused(folder: Path) -> None:
    content = bytearray((folder / NAME).read_bytes())
    content[500] ^= 1
    (folder / NAME).write_bytes(content)
    with pytest.raises(WeightsError, match=r"altered.*git checkout") as refused:
        bundled(NAME, folder)
    assert refused.value.permanent
    assert "\n" not in str(refused.value)


def test_an_unlisted_name_is_refused(folder: Path) -> None:
    with pytest.raises(WeightsError, match="does not list it"):
        bundled("../small.weights.h5", folder)


@pytest.mark.parametrize("content", [None, "", "[]", '{"small.weights.h5": {}}', '{"small.weights.h5": 3}'])
def test_an_unusable_list_is_refused(folder: Path, content: str | None) -> None:
    (folder / MANIFEST).unlink()
    if content is not None:
        (folder / MANIFEST).write_text(content)
    with pytest.raises(WeightsError, match=rf"git checkout -- fixtures/weights/{MANIFEST}"):
        bundled(NAME, folder)


def test_registering_a_file_keeps_the_other_entries(folder: Path) -> None:
    shutil.copy(folder / NAME, folder / "other.h5")
    register("other.h5", "another", folder)
    assert set(manifest(folder)) == {NAME, "other.h5"}


@pytest.mark.parametrize("name", sorted(manifest()))
def test_every_listed_file_of_the_checkout_is_intact(name: str) -> None:
    assert bundled(name) == FOLDER / name


def test_the_bundled_weights_stay_under_six_megabytes() -> None:
    assert sum(int(entry["bytes"]) for entry in manifest().values()) < 6_000_000
