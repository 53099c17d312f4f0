"""The front page greets: what this is, the demo, where researchers sign in, and what a new site needs first."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from survey_site.studies.models import Study
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


def page(client: Client, language: str = "en") -> str:
    return client.get("/", headers={"Accept-Language": language}).content.decode()


def test_a_new_site_says_how_to_make_the_first_account(client: Client) -> None:
    assert "manage.py createsuperuser" in page(client)
    User.objects.create_superuser("ada", password="x")
    shown = page(client)
    assert "createsuperuser" not in shown and "Researchers: sign in" in shown


def test_a_researcher_without_studies_is_led_to_the_first(admin_client: Client) -> None:
    assert "/admin/studies/study/add/" in page(admin_client)
    factories.draft()
    assert "/admin/studies/study/add/" not in page(admin_client)


def test_the_demo_is_offered_while_it_is_open(client: Client) -> None:
    assert "/s/demo/" not in page(client)
    study = factories.live("demo")
    assert "/s/demo/" in page(client)
    study.state = Study.State.CLOSED
    study.save()
    assert "/s/demo/" not in page(client)


def test_a_researchers_own_study_of_that_name_is_not_announced(client: Client) -> None:
    study = factories.live("demo")
    study.owner = User.objects.create_user("ada", is_staff=True)
    study.save()
    assert "/s/demo/" not in page(client)


@pytest.mark.parametrize(("language", "greeting"), [("fr", "Ce site est nouveau"), ("ar", "هذا الموقع جديد")])
def test_it_greets_in_the_readers_language(client: Client, language: str, greeting: str) -> None:
    assert greeting in page(client, language)
