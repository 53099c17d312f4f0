"""The gallery in pages: the counts are those of all images, buttons act on those of the page, which stays open."""

import pytest
from django.test import Client
from django.urls import reverse

from survey_site.desk.pages import images
from survey_site.stimuli.models import Stimulus
from survey_site.studies.models import Study
from tests.studies.sample import ready_study

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


@pytest.fixture
def study(monkeypatch: pytest.MonkeyPatch) -> Study:
    """Six images of three classes and three of the reserve, of which a page shows four."""
    monkeypatch.setattr(images, "PER_PAGE", 4)
    return ready_study(images=6, reserve=3)


def at(study: Study, query: str = "") -> str:
    return reverse("admin:study_images", args=[study.pk]) + query


def shown(client: Client, study: Study, query: str) -> list[tuple[str, int, int, list[str]]]:
    classes = client.get(at(study, query)).context["classes"]
    return [(c["label"], c["main"], c["reserve"], [image.key for image in c["images"]]) for c in classes]


def test_a_page_shows_its_images_with_the_counts_of_all(admin_client: Client, study: Study) -> None:
    assert shown(admin_client, study, "") == [
        ("class 0", 2, 0, ["m0", "m3"]),
        ("class 1", 2, 0, ["m1", "m4"]),
    ]
    assert shown(admin_client, study, "?page=2")[1] == ("reserve", 0, 3, ["r0", "r1"])
    assert shown(admin_client, study, "?page=9") == [("reserve", 0, 3, ["r2"])]
    html = admin_client.get(at(study, "?page=2")).content.decode()
    assert "9 images" in html and "Images 5 to 8, by class and name" in html
    assert 'href="?page=3"' in html and "9 images are smaller than the 224 px" in html
    assert '<option value="class 0">' in html


def test_buttons_act_on_the_page_and_lead_back_to_it(admin_client: Client, study: Study) -> None:
    image = study.stimuli.get(key="m2")
    response = admin_client.post(at(study, "?page=2"), {"verb": "reserve", "image": [image.pk]})
    assert response["Location"] == at(study, "?page=2")
    assert set(study.stimuli.filter(role="reserve").values_list("key", flat=True)) == {"m2", "r0", "r1", "r2"}


def test_a_short_gallery_has_no_pages(admin_client: Client, study: Study) -> None:
    Stimulus.objects.filter(key__startswith="r").delete()
    Stimulus.objects.filter(key__in=["m0", "m1"]).delete()
    html = admin_client.get(at(study)).content.decode()
    assert "survey-leaves" not in html and "on this page" not in html
