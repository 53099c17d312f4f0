"""A disk that is not mounted leaves an empty folder: nothing is written there that would be gone once it is back."""

import shutil
from pathlib import Path

import pytest
from django.core.files.storage import default_storage

from survey_site.stimuli import storage
from survey_site.stimuli.storage import MARK, StorageAway
from survey_site.trials.views.health import LOOKS
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def away(media: Path) -> Path:
    """Where the files of a study lie while an empty folder is in their place."""
    factories.draft(images=2, reserve=0)
    aside = media.with_name("aside")
    media.rename(aside)
    media.mkdir()
    return aside


def test_nothing_is_written_into_an_empty_folder_that_should_have_files(media: Path, away: Path) -> None:
    with pytest.raises(StorageAway, match="mount its disk again"):
        storage.put("maps", b"a map", ".npy")
    with pytest.raises(StorageAway, match="mount its disk again"):
        storage.claim()
    assert list(media.iterdir()) == []
    media.rmdir()  # nor is the folder made anew
    with pytest.raises(StorageAway, match="mount its disk again"):
        storage.put("maps", b"a map", ".npy")
    assert not media.exists()


def test_the_load_balancer_learns_of_it(media: Path, away: Path) -> None:
    LOOKS.forget()
    assert "mount its disk" in LOOKS.outcome()["storage"]
    media.rmdir()
    away.rename(media)
    LOOKS.forget()
    assert LOOKS.outcome()["storage"] == "ok"


def test_once_it_is_back_files_are_written_and_the_old_ones_are_there(media: Path, away: Path) -> None:
    media.rmdir()
    away.rename(media)
    path, _ = storage.put("maps", b"a map", ".npy")
    assert storage.get(path) == b"a map"


def test_who_says_that_the_files_are_gone_for_good_is_believed(media: Path, away: Path) -> None:
    (media / MARK).touch()
    path, _ = storage.put("maps", b"a map", ".npy")
    assert default_storage.exists(path)


def test_a_new_site_and_a_folder_of_an_earlier_version_are_marked_at_the_first_file(media: Path) -> None:
    shutil.rmtree(media)
    storage.put("stimuli", b"a picture", ".png")
    assert (media / MARK).exists()
    factories.draft(images=1, reserve=0)
    (media / MARK).unlink()
    storage.put("maps", b"another map", ".npy")
    assert (media / MARK).exists()


def test_rows_may_come_before_their_files_where_the_folder_was_claimed(media: Path) -> None:
    shutil.rmtree(media)
    storage.claim()
    factories.Stimulus.objects.create(
        study=factories.Study.objects.create(slug="imported"),
        key="one",
        path="stimuli/ab/abc.png",
        sha256="abc",
        width=1,
        height=1,
    )
    storage.put("stimuli", b"its file", ".png")
