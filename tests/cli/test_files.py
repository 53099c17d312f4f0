"""Writing is whole or not at all, also on a full disk."""

import errno
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from saliency_worker.cli.errors import CommandError
from saliency_worker.cli.files import write_atomically, write_error, write_folder
from tests.cli.conftest import Bench


@pytest.fixture
def no_large_files() -> Iterator[None]:
    """No file may grow beyond 100 bytes: the system refuses, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.rglob("*"))


def test_the_longest_name_a_folder_may_have_is_written(tmp_path: Path) -> None:
    write_folder(tmp_path / ("x" * 255), {"y": b"2"})
    write_atomically(tmp_path / ("z" * 255), b"1")
    assert names(tmp_path) == ["x" * 255, "y", "z" * 255]


def test_a_new_folder_appears_with_all_its_files(tmp_path: Path) -> None:
    write_folder(tmp_path / "a", {"x": b"1", "y": b"2"})
    assert {p.name: p.read_bytes() for p in (tmp_path / "a").iterdir()} == {"x": b"1", "y": b"2"}
    assert names(tmp_path) == ["a", "x", "y"]


def test_what_else_lies_in_an_existing_folder_stays(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "own notes").write_bytes(b"keep")
    write_folder(tmp_path / "a", {"x": b"new"})
    assert names(tmp_path) == ["a", "own notes", "x"]


@pytest.mark.usefixtures("no_large_files")
def test_a_folder_that_does_not_fit_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no space left"):
        write_folder(tmp_path / "a", {"small": b"1", "large": b"2" * 200})
    assert names(tmp_path) == []


@pytest.mark.usefixtures("no_large_files")
def test_a_file_that_does_not_fit_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    path.write_bytes(b"old")
    with pytest.raises(CommandError, match="no space left"):
        write_atomically(path, b"new" * 100)
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["manifest.json"]


@pytest.mark.usefixtures("no_large_files")
def test_explain_on_a_full_disk_ends_with_one_line(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    image = bench.image("a.png")
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert bench.explain(image) == 2
    error = capsys.readouterr().err
    assert "no space left" in error
    assert error.count("\n") == 1
    assert not list(bench.out.rglob("*.partial"))
    assert not list(bench.out.rglob("*.npy"))


@pytest.mark.parametrize(
    ("number", "says"), [(errno.ENOSPC, "free some"), (errno.EACCES, "choose another --out")]
)
def test_a_failed_write_says_what_to_do(number: int, says: str) -> None:
    assert says in str(write_error(Path("x"), OSError(number, "reason")))


def test_an_out_that_is_a_file_is_one_line(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.out.write_bytes(b"a file")
    assert bench.explain(bench.image("a.png")) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert bench.out.read_bytes() == b"a file"
