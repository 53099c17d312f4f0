"""The demo's pictures: there, named by key and licence, different from one another, and as many as its design needs."""

import hashlib

import pytest

from survey_site.demo import study as demo_study
from survey_site.protocols.document import assessment_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


def test_they_are_as_many_as_the_design_needs() -> None:
    study = demo_study.load("demo-cnn", "hed")
    found = assessment_of(study)
    assert not [finding for finding in found.findings if finding.blocking]
    assert (found.images_available, found.reserve_available) == (18, 4)
    assert found.reserve_needed <= 4
    assert all(row.source and row.licence for row in study.stimuli.all())


def test_none_is_there_twice_and_parts_lie_inside_their_photograph() -> None:
    entries = demo_study.pictures()
    digests = {hashlib.sha256(demo_study.read(entry)).hexdigest() for entry in entries}
    assert len(digests) == len(entries) == len({entry["key"] for entry in entries})
    parts = [entry["crop"] for entry in entries if "crop" in entry]
    for left, top, right, bottom in parts:
        assert (
            0 <= left < right <= 512 and 0 <= top < bottom <= 512 and min(right - left, bottom - top) >= 100
        )


@pytest.mark.parametrize("file", ["skimage/data/nothing.png", "no_such_package/a.png"])
def test_a_picture_that_is_not_installed_says_what_to_run(file: str) -> None:
    with pytest.raises(demo_study.DemoUnavailable, match="make demo"):
        demo_study.read({"file": file})
