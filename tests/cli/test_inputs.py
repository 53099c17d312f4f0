"""Files, folders and globs become images with one stem each."""

from pathlib import Path

import pytest

from saliency_worker.cli.errors import CommandError
from saliency_worker.cli.inputs import expand


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def stems(*arguments: object) -> list[str]:
    return [source.stem for source in expand([str(argument) for argument in arguments])]


def test_a_folder_gives_its_images_in_depth_and_sorted(tmp_path: Path) -> None:
    touch(tmp_path, "b.png", "deep/a.JPEG", "notes.txt", ".hidden.png", ".cache/c.png")
    assert stems(tmp_path) == ["b", "a"]


def test_a_quoted_glob_gives_the_images_it_matches(tmp_path: Path) -> None:
    touch(tmp_path, "cat1.png", "cat2.jpg", "cat3.txt", "dog.png")
    assert stems(tmp_path / "cat*") == ["cat1", "cat2"]


def test_a_file_is_taken_whatever_its_suffix(tmp_path: Path) -> None:
    touch(tmp_path, "picture.data")
    assert stems(tmp_path / "picture.data") == ["picture"]


def test_a_name_with_glob_characters_that_exists_is_a_file(tmp_path: Path) -> None:
    touch(tmp_path, "cat[1].png")
    assert stems(tmp_path / "cat[1].png") == ["cat[1]"]


def test_a_file_reached_twice_counts_once(tmp_path: Path) -> None:
    touch(tmp_path, "a.png", "b.png", "sub/notes.txt")
    assert stems(tmp_path, tmp_path / "a.png", tmp_path / "sub" / ".." / "b.png") == ["a", "b"]


@pytest.mark.parametrize("other", ["a.jpg", "deep/a.png", "A.png"])
def test_two_images_of_one_stem_are_refused(tmp_path: Path, other: str) -> None:
    touch(tmp_path, "a.png", other)
    with pytest.raises(CommandError, match="one stem"):
        expand([str(tmp_path)])


@pytest.mark.parametrize("name", ["manifest.json.png", "...png"])
def test_stems_that_would_leave_or_break_the_folder_are_refused(tmp_path: Path, name: str) -> None:
    touch(tmp_path, name)
    with pytest.raises(CommandError, match="rename"):
        expand([str(tmp_path / name)])


@pytest.mark.parametrize("missing", ["nothing.png", "no*.png", "empty"])
def test_it_says_which_argument_matches_nothing(tmp_path: Path, missing: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(CommandError, match=missing.replace("*", r"\*")):
        expand([str(tmp_path / missing)])


def test_results_written_among_the_images_are_no_images(tmp_path: Path) -> None:
    touch(tmp_path, "a.png", "maps/VGG16/a/gradcam.png", "maps/VGG16/manifest.json")
    touch(tmp_path, "maps/VGG19/b/gradcam.png", "maps/VGG19/.manifest.jsonl")
    assert stems(tmp_path) == ["a"]
