"""Uploads into a study: all or none, duplicates recognised, files under their hash."""

import io
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command

from survey_site.stimuli.archives import Upload
from survey_site.stimuli.intake import ImagesRefused, add_images
from survey_site.stimuli.models import Stimulus
from survey_site.studies.models import Study
from tests.stimuli.pictures import encoded, zipped

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


@pytest.fixture
def study() -> Study:
    return Study.objects.create(slug="cats", title="Cats")


def test_it_stores_pictures_under_the_hash_of_their_bytes(study: Study) -> None:
    intake = add_images(study, [Upload("Grey Cat.JPG", encoded(1, "JPEG"), "cat")])
    stimulus = intake.added[0]
    assert (stimulus.key, stimulus.stimulus_class, stimulus.width, stimulus.height) == (
        "grey-cat",
        "cat",
        40,
        30,
    )
    assert stimulus.path == f"stimuli/{stimulus.sha256[:2]}/{stimulus.sha256}.png"
    assert default_storage.exists(stimulus.path)


def test_it_recognises_a_duplicate_in_the_upload_and_in_the_study(study: Study) -> None:
    add_images(study, [Upload("a.png", encoded(1))])
    intake = add_images(
        study, [Upload("b.bmp", encoded(1, "BMP")), Upload("c.png", encoded(2)), Upload("d.png", encoded(2))]
    )
    assert [s.key for s in intake.added] == ["c"]
    assert intake.duplicates == ["b.bmp", "d.png"]
    assert study.stimuli.count() == 2


def test_two_files_of_one_name_get_two_keys(study: Study) -> None:
    data = zipped({"cats/1.png": encoded(1), "dogs/1.png": encoded(2)})
    add_images(study, [Upload("all.zip", data)])
    assert list(study.stimuli.values_list("key", "stimulus_class")) == [("1", "cats"), ("1-2", "dogs")]


def test_one_bad_file_refuses_the_whole_upload_and_names_every_bad_one(study: Study) -> None:
    uploads = [Upload("a.png", encoded(1)), Upload("b.png", b"no"), Upload("c.png", encoded(2)[:100])]
    with pytest.raises(ImagesRefused) as caught:
        add_images(study, uploads)
    assert [problem.split(":")[0] for problem in caught.value.problems] == ["b.png", "c.png"]
    assert study.stimuli.count() == 0


def test_a_bad_zip_refuses_the_whole_upload(study: Study) -> None:
    with pytest.raises(ImagesRefused, match=r"bad\.zip: .*outside"):
        add_images(study, [Upload("a.png", encoded(1)), Upload("bad.zip", zipped({"../x.png": encoded(2)}))])
    assert study.stimuli.count() == 0


def test_a_live_study_takes_no_more_images(study: Study) -> None:
    Study.objects.filter(pk=study.pk).update(state=Study.State.LIVE)
    study.refresh_from_db()
    with pytest.raises(ImagesRefused, match="new version"):
        add_images(study, [Upload("a.png", encoded(1))])


def test_the_command_reads_folders_with_classes_and_labels(study: Study, tmp_path: Path) -> None:
    for name, seed in (("cat/1.png", 1), ("dog/2.png", 2)):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(encoded(seed))
    labels = tmp_path / "labels.csv"
    labels.write_text("file,class\n2.png,wolf\n")
    out = io.StringIO()
    call_command("add_images", "cats", str(tmp_path / "in"), "--labels", str(labels), "--reserve", stdout=out)
    assert list(study.stimuli.values_list("key", "stimulus_class", "role")) == [
        ("1", "cat", Stimulus.Role.RESERVE),
        ("2", "wolf", Stimulus.Role.RESERVE),
    ]
    assert "2 added" in out.getvalue()


def test_the_command_says_which_path_does_not_exist(study: Study, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no such file"):
        call_command("add_images", "cats", str(tmp_path / "nothing"))


def test_an_upload_that_takes_too_long_is_refused_and_stores_nothing(study: Study) -> None:
    with pytest.raises(ImagesRefused, match="upload fewer at once"):
        add_images(study, [Upload("all.zip", zipped({"1.png": encoded(1), "2.png": encoded(2)}))], within_s=0)
    assert study.stimuli.count() == 0


def test_names_that_no_database_holds_are_refused(study: Study) -> None:
    with pytest.raises(ImagesRefused, match="rename it"):
        add_images(study, [Upload("a\ud800.png", encoded(1)), Upload("b.png", encoded(2), "c\0t")])
