"""The preview in Chromium: the participants' own script runs, leads on, and leaves nothing behind."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from django.urls import reverse
from playwright.sync_api import expect

from survey_site.trials import preview
from survey_site.trials.models import Participant
from tests import factories
from tests.browser import walking
from tests.browser.conftest import PHONE, NewPage

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("media")]


def test_a_choice_leads_to_the_next_page_and_trials_still_fit_one_screen(
    live_server: Any, new_page: NewPage, admin_user: Any
) -> None:
    study = factories.draft(images=6, reserve=3)
    client = Client()
    client.force_login(admin_user)
    page = new_page(PHONE)
    session = client.cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    walk = preview.Walk(study, "en")
    place = next(found.number for found in walk.places() if found.part == "matching")
    page.goto(live_server.url + reverse("admin:study_preview-page", args=[study.pk, "en", 0, place]))
    walking.ready(page).locator("label.option").nth(1).click()
    height, needed = page.evaluate("[innerHeight, document.documentElement.scrollHeight]")
    assert needed <= height
    assert not Axe().run(page).response["violations"]
    page.keyboard.press("Enter")
    expect(page.locator("header.preview")).to_contain_text(f"{place + 2}/{len(walk.steps)}")
    assert page.evaluate("localStorage.length") == 0
    assert not Participant.objects.exists()
