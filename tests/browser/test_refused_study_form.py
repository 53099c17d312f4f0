"""A study's form that was refused: its tabs stay in sight, and the one with the mistake is open."""

from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from tests import factories
from tests.browser.conftest import NewPage
from tests.browser.test_every_desk_page import DESKTOP, TABLET, signed_in

pytestmark = [pytest.mark.looks, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("media")]


@pytest.mark.parametrize("size", [DESKTOP, TABLET], ids=lambda size: f"{size[0]}px")
def test_the_tabs_stay_in_sight_after_a_mistake(
    live_server: Any, admin_user: Any, new_page: NewPage, size: tuple[int, int]
) -> None:
    study = factories.draft(owner=admin_user)
    page = signed_in(new_page(size), admin_user, live_server.url)
    page.goto(live_server.url + reverse("admin:studies_study_change", args=[study.pk]))
    tabs = page.locator("#tabs-items > a")
    before = tabs.count()
    assert before
    page.evaluate("document.querySelectorAll('form').forEach((form) => (form.noValidate = true))")
    page.locator("[name=title]").fill("")
    page.locator("[name=target_participants]").evaluate("(field) => (field.value = '0')")
    page.locator("[name=conditions-0-column]").evaluate("(field) => (field.value = '')")
    page.locator("[name=_save]").first.click()
    expect(page.get_by_text("Please correct the errors below.")).to_be_visible()
    page.screenshot(path=f"/tmp/desk/tabs-{size[0]}.png")
    expect(tabs).to_have_count(before)
    expect(page.locator("#tabs-dropdown > *")).to_have_count(0)
