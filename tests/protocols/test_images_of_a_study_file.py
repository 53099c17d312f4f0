"""A study as a file: the images that come with it, and the commands."""

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from survey_site.protocols.study_file import plain_yaml, read, write
from survey_site.protocols.study_file.read import BadStudyFile
from survey_site.stimuli.archives import Upload
from survey_site.stimuli.intake import ImagesRefused
from survey_site.stimuli.models import Stimulus
from survey_site.studies.models import AuditEntry, Study
from tests import factories
from tests.protocols.test_study_file import LEAST, shelf
from tests.stimuli.pictures import encoded, zipped

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


def described(images: str) -> bytes:
    return (LEAST + "images:\n" + images).encode()


def test_a_program_names_files_and_sends_them_along() -> None:
    text = described(
        "  owl:\n  - {name: first, file: 1.png}\n  - {name: second, file: b/1.jpg, role: reserve, licence: CC0}\n"
        "  cat:\n  - {name: whiskers}\n"
    )
    archive = {"a/1.png": encoded(1), "b/1.jpg": encoded(2, "JPEG"), "whiskers.png": encoded(3)}
    with pytest.raises(BadStudyFile, match="2 are neither among the pictures"):
        read.make(
            read.read_file(text),
            None,
            uploads=[Upload("whiskers.png", encoded(3))],
            visible=Study.objects.none(),
        )
    assert not Study.objects.exists()
    study = read.make(read.read_file(text), None, uploads=[Upload("all.zip", zipped(archive))])
    rows = {s.key: s for s in study.stimuli.all()}
    assert {key: (s.stimulus_class, s.role, s.licence) for key, s in rows.items()} == {
        "first": ("owl", "main", ""), "second": ("owl", "reserve", "CC0"), "whiskers": ("cat", "main", ""),
    }  # fmt: skip
    assert not any(row.seal_fault() for row in rows.values())


def test_images_are_found_by_the_digest_of_the_file_or_of_the_stored_picture() -> None:
    factory = shelf()
    stored = factory.stimuli.order_by("key").first()
    assert stored
    text = described(f"  owl:\n  - {{name: a, sha256: {stored.sha256}}}\n")
    with pytest.raises(BadStudyFile, match="nor in a study that you see"):
        read.make(read.read_file(text), None, visible=Study.objects.none())
    study = read.make(read.read_file(text), None, visible=Study.objects.all())
    assert study.stimuli.get().path == stored.path
    assert (
        read.make(
            read.read_file(text, slug="again"), None, uploads=[Upload("whatever.png", factories.png(0))]
        )
        .stimuli.get()
        .key
        == "a"
    )


def test_pictures_that_the_file_does_not_name_are_refused_with_it() -> None:
    text = described("  owl:\n  - {name: a}\n")
    uploads = [Upload("a.png", encoded(1)), Upload("b.png", encoded(2))]
    with pytest.raises(BadStudyFile, match=r"the file does not name b\.png"):
        read.make(read.read_file(text), None, uploads=uploads)
    with pytest.raises(ImagesRefused, match="not an image"):
        read.make(read.read_file(text), None, uploads=[Upload("a.png", b"no")])
    both = described("  owl:\n  - {name: a, file: a.png}\n  - {name: b, file: a.png}\n")
    with pytest.raises(BadStudyFile, match="would be the same picture"):
        read.make(read.read_file(both), None, uploads=uploads[:1])
    assert not Study.objects.exists() and not Stimulus.objects.exists()


def test_two_images_may_trade_names() -> None:
    text = described("  owl:\n  - {name: a, file: b.png}\n  - {name: b, file: a.png}\n")
    uploads = [Upload("a.png", encoded(1)), Upload("b.png", encoded(2))]
    study = read.make(read.read_file(text), None, uploads=uploads)
    assert set(study.stimuli.values_list("key", flat=True)) == {"a", "b"}


def test_without_its_images_a_study_has_no_groups_of_them_either() -> None:
    source = factories.draft(pool_strategy="fixed", fixed_pools=[["image-000", "image-001"]])
    text = write.file_of(source)
    study = read.make(read.read_file(text.encode(), slug="bare"), None, without_images=True)
    assert study.task_settings["matching"]["fixed_pools"] == [] and not study.stimuli.exists()


def test_the_commands_write_and_make(tmp_path: Path) -> None:
    source = factories.draft("here")
    file = tmp_path / "here.yaml"
    call_command("study_file", "here", out=file)
    assert file.read_text("utf-8") == write.file_of(source)
    with pytest.raises(CommandError, match="give this one another"):
        call_command("study_from_file", file)
    with pytest.raises(CommandError, match="No researcher"):
        call_command("study_from_file", file, slug="there", owner="nobody")
    call_command("study_from_file", file, slug="there", title="There")
    made = Study.objects.get(slug="there")
    assert made.stimuli.count() == source.stimuli.count() and made.title == "There"
    assert AuditEntry.objects.filter(study=made, verb="study made").exists()
    pictures = tmp_path / "pictures"
    for stimulus in source.stimuli.all():
        target = pictures / stimulus.stimulus_class / f"{stimulus.key}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(factories.png(int(stimulus.key[-3:])))
    Study.objects.all().delete()
    call_command("study_from_file", file, images=[pictures])
    assert write.file_of(Study.objects.get()) == file.read_text("utf-8")


def test_thousands_of_images_fit_into_a_file() -> None:
    rows = "".join(f"  - {{name: i{n}, sha256: a{n:063d}}}\n" for n in range(5000))
    text = LEAST + "images:\n  owl:\n" + rows
    assert len(text) < plain_yaml.MOST_BYTES
    assert len(read.read_file(text.encode()).images) == 5000
