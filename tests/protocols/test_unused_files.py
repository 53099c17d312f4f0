"""Files that no row names are found and, when asked for, deleted; never one that is named or about to be."""

import os
import time
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command

from survey_site.protocols import unused_files
from survey_site.stimuli import storage
from survey_site.stimuli.models import Stimulus
from tests import factories

pytestmark = pytest.mark.django_db
TWO_DAYS = timedelta(days=2)


def aged(path: str, days: float) -> str:
    """Makes a stored file look as if it had been written so many days ago."""
    then = time.time() - days * 86400
    os.utime(default_storage.path(path), (then, then))
    return path


def left_over(days: float = 3) -> str:
    return aged(storage.put("maps", b"a map whose worker died", ".npy")[0], days)


def tidied(*arguments: str) -> str:
    told = StringIO()
    call_command("tidy", *arguments, stdout=told)
    return told.getvalue()


def stored(media: Path) -> set[str]:
    return {str(path.relative_to(media)) for path in media.rglob("*") if path.is_file()}


def test_what_rows_name_stays_and_what_nobody_names_goes(media: Path) -> None:
    factories.live()
    for path in stored(media):
        aged(path, 3)
    before, path = stored(media), left_over()
    assert [file.path for file in unused_files.unused(TWO_DAYS)] == [path]
    told = tidied()
    assert path in told
    assert "1 files that no row names" in told
    assert stored(media) == before | {path}  # without --apply nothing is deleted
    assert "1 of 1 deleted" in tidied("--apply")
    assert stored(media) == before


def test_a_young_file_is_about_to_be_named_and_stays(media: Path) -> None:
    path = left_over(days=1.9)
    assert "0 of 0 deleted" in tidied("--apply")
    assert default_storage.exists(path)


def test_bytes_that_are_stored_again_are_young_again(media: Path) -> None:
    path = left_over()
    found = list(unused_files.unused(TWO_DAYS))
    assert storage.put("maps", b"a map whose worker died", ".npy")[0] == path
    assert not unused_files.remove(found[0])
    assert not list(unused_files.unused(TWO_DAYS))


def test_a_file_that_was_named_since_it_was_found_stays(media: Path) -> None:
    factories.draft(images=1, reserve=0)
    path = left_over()
    found = list(unused_files.unused(TWO_DAYS))
    Stimulus.objects.update(path=path)
    assert not unused_files.remove(found[0])
    assert default_storage.exists(path)


def test_an_age_at_which_a_file_may_be_about_to_be_named_is_refused(media: Path) -> None:
    with pytest.raises(CommandError, match="younger than 24 hours"):
        tidied("--older-than-hours", "2")


def test_what_this_program_did_not_put_there_is_left_alone(media: Path) -> None:
    foreign = aged(default_storage.save("notes/of-the-operator.txt", ContentFile(b"mine")), 9)
    assert "0 of 0 deleted" in tidied("--apply")
    assert default_storage.exists(foreign)


def test_a_disk_that_is_not_mounted_is_no_reason_to_delete(media: Path) -> None:
    factories.draft(images=2, reserve=0)
    media.rename(media.with_name("aside"))
    with pytest.raises(CommandError, match="mount its disk"):
        tidied("--apply")
