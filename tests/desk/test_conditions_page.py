"""The page of conditions: light, although methods × combinations × classifiers are thousands; nothing lost by looking."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from saliency_worker import catalog
from survey_site.studies.models import Study
from tests.desk.test_two_editors import text_of
from tests.studies.sample import ready_study

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
MOST_BYTES = 250_000


@pytest.fixture
def study() -> Study:
    return ready_study(images=6, reserve=0)


def at(study: Study) -> str:
    return reverse("admin:study_conditions", args=[study.pk])


def boxes(page: str) -> dict[str, bool]:
    """Every box of the matrix by its value, and whether it is ticked."""
    found = re.findall(r'<input type="checkbox" name="tick" value="([^"]+)"[^>]*?(checked)?\s*>', page)
    return {value: bool(ticked) for value, ticked in found}


def test_the_page_is_light_and_holds_every_base_and_the_papers_combinations(
    admin_client: Client, study: Study
) -> None:
    page = admin_client.get(at(study)).content.decode()
    assert len(page.encode()) < MOST_BYTES
    keys = {value.partition("|")[0] for value in boxes(page)}
    assert {*catalog.BASES, *catalog.CONTROLS, *catalog.FULL_SET} <= keys
    assert "lime.add-edges" not in keys
    for base in set(catalog.BASES) - set(catalog.GRADIENT_BASES):
        assert f'<option value="{base}">' in page


def test_another_bases_combinations_are_listed_with_ticks_kept_and_nothing_saved(
    admin_client: Client, study: Study
) -> None:
    before = list(study.conditions.values())
    sent = {"tick": ["rise|VGG16", "gradcam|demo-cnn"], "column:rise": "My RISE", "list": "1", "more": "lime"}
    page = admin_client.post(at(study), sent)
    shown = page.content.decode()
    assert page.status_code == 200 and list(study.conditions.values()) == before
    ticked = {value for value, is_ticked in boxes(shown).items() if is_ticked}
    assert ticked == {"rise|VGG16", "gradcam|demo-cnn"} and "My RISE" in shown
    assert "lime.add-edges|VGG16" in boxes(shown) and '<option value="lime">' not in shown
    again = admin_client.post(at(study), sent | {"listed": "lime", "more": "ig"}).content.decode()
    assert {"lime.add-edges|VGG16", "ig.add-edges|VGG16"} <= set(boxes(again))


def test_a_combination_that_is_ticked_is_there_without_asking(admin_client: Client, study: Study) -> None:
    ticks = ["gradcam|demo-cnn", "layercam.add-blend21|demo-cnn"]
    saved = text_of(admin_client.post(at(study), {"tick": ticks}, follow=True))
    assert "2 conditions saved" in saved
    page = admin_client.get(at(study)).content.decode()
    assert boxes(page)["layercam.add-blend21|demo-cnn"] and "lime.add-edges|demo-cnn" not in boxes(page)


@pytest.mark.parametrize("base", ["nothing", "", "edges"])
def test_what_is_no_base_lists_nothing_and_is_no_error(admin_client: Client, study: Study, base: str) -> None:
    page = admin_client.post(at(study), {"list": "1", "more": base})
    assert page.status_code == 200 and "lime.add-edges|VGG16" not in boxes(page.content.decode())
