"""The demo's pictures out of installed packages can be taken in: looked at in the normal suite, the demo itself is slow."""

from saliency_worker.decoding import decode
from survey_site.demo import study


def test_every_picture_of_the_demo_is_there_and_can_be_taken_in() -> None:
    entries = study.pictures()
    assert len(entries) > 15
    for entry in entries:
        decode(study.read(entry))
