"""Regions at the desk: taken with a word, refused with words, shown, taken away; of drafts alone."""

import io
from typing import Any

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image

from survey_site.protocols import freeze
from survey_site.protocols.measurement import measurement_hash
from survey_site.studies.models import AuditEntry, Study
from tests.desk.test_images_page import act, at
from tests.desk.test_two_editors import text_of
from tests.studies.sample import ready_study

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


@pytest.fixture
def study() -> Study:
    return ready_study(images=6, reserve=3)


def give(client: Client, study: Study, *rows: str, name: str = "boxes.csv", **more: Any) -> Any:
    file = SimpleUploadedFile(name, "\n".join(rows).encode())
    return client.post(at(study), {"regions": [file]}, **more)


def test_regions_are_taken_counted_and_shown(admin_client: Client, study: Study) -> None:
    page = text_of(give(admin_client, study, "m0,0,0,20,10", "m1.png,5,5,9,9", follow=True))
    assert "The regions of 2 images stored" in page and "2 of 9 images have one" in page
    assert AuditEntry.objects.get(verb="regions given").detail == "2: m0; m1"
    image = study.stimuli.get(key="m0")
    shown = admin_client.get(reverse("admin:stimulus_region", args=[image.pk]))
    with Image.open(io.BytesIO(shown.content)) as laid:
        levels = np.asarray(laid.convert("L"), np.float64)
    assert levels.shape == (image.height, image.width)
    assert levels[:9, :19].mean() > 2 * levels[12:, 22:].mean()  # outside it is darkened
    without = study.stimuli.get(key="m2")
    assert admin_client.get(reverse("admin:stimulus_region", args=[without.pk])).status_code == 404


def test_what_is_wrong_stands_beside_the_field_and_nothing_is_stored(
    admin_client: Client, study: Study
) -> None:
    response = give(admin_client, study, "m0,0,0,999,10", "wolf,0,0,1,1", "m1,0,0,1,1")
    page = text_of(response)
    assert response.status_code == 422 and "Nothing was stored" in page
    assert "the box 0,0,999,10 reaches out of the image" in page
    assert "wolf: the study has no such image" in page and "0 of 9 images have one" in page


def test_a_long_list_of_problems_is_cut(admin_client: Client, study: Study) -> None:
    page = text_of(give(admin_client, study, *(f"wolf{n},0,0,1,1" for n in range(50))))
    assert page.count("the study has no such image") == 40 and "… and 10 more" in page


def test_ticked_images_lose_their_region(admin_client: Client, study: Study) -> None:
    give(admin_client, study, "m0,0,0,1,1", "m1,0,0,1,1")
    assert "The region of 1 image removed" in act(admin_client, study, "no_region", "m0", "m2")
    assert [image.key for image in study.stimuli.exclude(region_path="")] == ["m1"]


def test_regions_are_sealed_outside_of_the_measurement(admin_client: Client, study: Study) -> None:
    before = freeze.draft_of(study).document
    assert "regions" not in before
    give(admin_client, study, "m0,0,0,1,1")
    study.refresh_from_db()
    after = freeze.draft_of(study).document
    assert after["regions"] == {"m0": study.stimuli.get(key="m0").region_sha256}
    assert {name: value for name, value in after.items() if name != "regions"} == before
    assert measurement_hash(after) == measurement_hash(before)


def test_a_sealed_study_takes_none(admin_client: Client, study: Study) -> None:
    freeze.go_live(study)
    refused = give(admin_client, study, "m0,0,0,1,1")
    assert refused.status_code == 422 and "make a new version to change its images" in text_of(refused)
    assert not study.stimuli.exclude(region_path="").exists()
    assert "Regions for the pointing game" not in text_of(admin_client.get(at(study)))
