"""The door in a real browser: who comes again, who is turned away, and the receipt that is shown once."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from survey_site.recruitment.models import Recruitment
from survey_site.trials.models import Participant
from tests import factories
from tests.browser import walking
from tests.browser.conftest import NewPage

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("media")]
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E148 Safari/604.1"
SENT = "?PROLIFIC_PID=5f0c9a1b2c3d4e5f60718293"


def at_end(page: Page) -> None:
    while not page.locator(".receipt").count():
        walking.advance(page)
        walking.shown(page)


def test_a_device_asks_who_comes_again(page: Page, live_server: Any) -> None:
    factories.live()
    first = walking.start(page, live_server.url)
    page.goto(f"{live_server.url}/s/test/")
    page.get_by_role("link", name="Go on with the study").click()
    expect(page).to_have_url(first)
    page.goto(f"{live_server.url}/s/test/?lang=fr")
    page.get_by_role("link", name="Je suis quelqu'un d'autre").click()
    page.get_by_role("checkbox").check()
    page.locator("button.primary").click()
    page.wait_for_url("**/p/**")
    assert page.url != first
    assert list(Participant.objects.order_by("pk").values_list("language", flat=True)) == ["en", "fr"]


def test_the_receipt_is_shown_once_and_not_by_reload_back_or_personal_link(
    page: Page, new_page: NewPage, live_server: Any
) -> None:
    factories.live()
    address = walking.start(page, live_server.url)
    at_end(page)
    page.get_by_role("button", name="Show my receipt").click()
    receipt = f"/w/{Participant.objects.get().receipt}/"
    page.get_by_role("link", name=receipt).wait_for()
    page.reload()
    page.get_by_text("was shown when you finished").wait_for()
    assert receipt not in page.content()
    page.goto(f"{live_server.url}{receipt}")
    page.go_back()
    page.get_by_text("was shown when you finished").wait_for()
    other = new_page()
    other.goto(address)
    other.get_by_text("was shown when you finished").wait_for()
    assert receipt not in other.content()


def test_a_phone_is_shown_its_code_once(new_page: NewPage, live_server: Any) -> None:
    codes = {"completed_code": "DONE", "screened_out_code": "OUT"}
    Recruitment.objects.create(study=factories.live(), provider="prolific", allow_phones=False, **codes)
    phone = new_page(user_agent=IPHONE)
    for _ in range(2):
        phone.goto(f"{live_server.url}/s/test/{SENT}")
        assert "OUT" in phone.locator("main").inner_text()
    another = new_page(user_agent=IPHONE)
    another.goto(f"{live_server.url}/s/test/{SENT}")
    another.get_by_text("was shown already").wait_for()
    assert "OUT" not in another.content()
    assert not Participant.objects.exists()
