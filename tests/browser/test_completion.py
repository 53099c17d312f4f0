"""The end: the code with the debrief on one page, and a button that copies it; from every page a way to withdraw."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from survey_site.recruitment.models import Recruitment
from survey_site.trials.models import Participant, Response
from tests import factories
from tests.browser import walking
from tests.browser.conftest import PHONE, NewPage

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("media")]
SENT = "?PROLIFIC_PID=5f0c9a1b2c3d4e5f60718293"
CODE = "C1A2B3C4"
NO_CLIPBOARD = "Object.defineProperty(Navigator.prototype, 'clipboard', { get: () => undefined });"
REFUSED = "Clipboard.prototype.writeText = () => Promise.reject(new DOMException('no', 'NotAllowedError'));"
NO_COMMAND = "Document.prototype.execCommand = () => false;"
OFF = NO_COMMAND + NO_CLIPBOARD


@pytest.fixture
def url(live_server: Any) -> str:
    study = factories.live()
    Recruitment.objects.create(study=study, provider="prolific", completed_code=CODE)
    return str(live_server.url)


def at_end(page: Page, url: str) -> None:
    """Past the last trial, and not a page further."""
    walking.start(page, url, query=SENT)
    while not page.locator(".receipt").count():
        walking.advance(page)
        walking.shown(page)


def pasted(page: Page) -> str:
    page.evaluate("document.body.append(document.createElement('textarea'))")
    page.locator("textarea").focus()
    page.keyboard.press("ControlOrMeta+V")
    return page.locator("textarea").input_value()


def test_code_debrief_and_what_it_is_for_stand_on_the_page_after_the_last_trial(page: Page, url: str) -> None:
    at_end(page, url)
    text = page.locator("main").inner_text()
    assert CODE in text and "What this was about" in text
    assert "Prolific pays you by this code" in text and "you may close this page" in text
    way_back = page.get_by_role("link", name="Return to Prolific")
    assert way_back.get_attribute("href") == f"https://app.prolific.com/submissions/complete?cc={CODE}"
    page.get_by_role("button", name="Show my receipt").click()
    page.get_by_role("link", name="/w/").wait_for()
    assert CODE in page.locator("main").inner_text()


def test_a_translation_leaves_the_code_alone(page: Page, url: str) -> None:
    at_end(page, url)
    for part in page.get_by_text(CODE, exact=True).all():
        assert part.get_attribute("translate") == "no" and "notranslate" in (
            part.get_attribute("class") or ""
        )
    assert not page.evaluate("document.querySelector('.code strong').translate")


@pytest.mark.parametrize(
    "broken", ["", NO_CLIPBOARD, REFUSED, NO_COMMAND], ids=["none", "no", "refused", "new"]
)
def test_the_button_copies_without_leave_to_use_the_clipboard(page: Page, url: str, broken: str) -> None:
    if broken == NO_COMMAND:
        page.context.grant_permissions(["clipboard-write"])
    page.add_init_script(broken)
    at_end(page, url)
    page.get_by_role("button", name="Copy the code").click()
    expect(page.locator(".code [role=status]")).to_have_text("Copied.")
    assert pasted(page) == CODE


def test_where_nothing_copies_the_code_is_selected_and_the_page_says_so(page: Page, url: str) -> None:
    page.add_init_script(OFF)
    at_end(page, url)
    page.get_by_role("button", name="Copy the code").click()
    expect(page.locator(".code [role=status]")).to_contain_text("selected")
    assert page.evaluate("getSelection().toString()").strip() == CODE


def test_without_scripts_there_is_no_button_that_does_nothing(new_page: NewPage, url: str) -> None:
    page = new_page(javascript=False)
    walking.start(page, url, query=SENT)
    for _ in range(60):
        if page.locator(".receipt").count():
            break
        if page.locator("input[name=trial]").count():
            page.locator("fieldset input[type=radio]").first.check()
        page.locator(walking.ON).first.click()
    expect(page.get_by_role("button", name="Copy the code")).to_have_count(0)
    assert CODE in page.locator("main").inner_text()


def test_every_page_offers_to_stop(new_page: NewPage, url: str) -> None:
    page = new_page(PHONE)
    address = walking.start(page, url, query=SENT)
    met = []
    for name in walking.pages(page, address):
        link = page.get_by_role("link", name="Stop and withdraw")
        assert link.count() == 1, name
        met.append(name)
    assert {"instructions", "practice-matching", "feedback-matching", "rating", "debrief", "done"} <= {
        name.partition("_")[0] for name in met
    }
    link.click()
    page.get_by_text("What erases them now is your receipt").wait_for()
    expect(page.get_by_role("button", name="Erase my answers")).to_have_count(0)
    assert Response.objects.exists()


def test_who_finished_withdraws_by_the_receipt_and_is_paid_all_the_same(page: Page, url: str) -> None:
    at_end(page, url)
    page.get_by_role("button", name="Show my receipt").click()
    page.get_by_role("link", name="/w/").click()
    page.get_by_role("button", name="Erase my answers").click()
    page.get_by_role("heading", name="Withdrawn").wait_for()
    text = page.locator("main").inner_text()
    assert CODE in text and "What this was about" in text
    assert not Response.objects.exists()


def test_who_stops_in_the_middle_leaves_nothing_here_or_on_the_device(page: Page, url: str) -> None:
    address = walking.start(page, url, query=SENT)
    walking.to_block(page)
    page.wait_for_load_state("networkidle")
    page.context.set_offline(True)
    walking.answer(page)
    page.on("dialog", lambda dialog: dialog.accept())
    page.context.set_offline(False)
    page.route("**/p/*/?after=*", lambda route: route.abort())
    page.get_by_role("link", name="Stop and withdraw").click()
    page.get_by_role("heading", name="Stop and withdraw?").wait_for()
    page.unroute("**/p/*/?after=*")
    page.get_by_role("link", name="Go on with the study").click()
    page.wait_for_url(address)
    page.get_by_role("link", name="Stop and withdraw").click()
    page.get_by_role("button", name="Erase my answers").click()
    page.get_by_role("heading", name="Withdrawn").wait_for()
    text = page.locator("main").inner_text()
    assert "What this was about" in text and "return your submission at Prolific" in text and CODE not in text
    assert page.evaluate("localStorage.length") == 0
    assert not Response.objects.exists()
    assert Participant.objects.get().state == "withdrawn"
