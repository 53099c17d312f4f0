"""Consent: the least window that a study asks for, and what is measured of who comes."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from survey_site.protocols import freeze
from survey_site.studies.models import Study, StudyText
from survey_site.trials.models import Participant
from tests import factories
from tests.browser import walking
from tests.browser.conftest import NewPage

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("media")]
SMALL, LARGE = (700, 500), (900, 700)


@pytest.fixture
def study() -> Study:
    return factories.live(window_width_px=800, window_height_px=600)


def resize(page: Page, size: tuple[int, int]) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})


@pytest.mark.parametrize("javascript", [True, False])
def test_a_small_window_is_asked_to_grow_and_then_let_in(
    new_page: NewPage, live_server: Any, study: Study, javascript: bool
) -> None:
    page = new_page(SMALL, javascript=javascript)
    page.goto(f"{live_server.url}/s/test/")
    expect(page.get_by_text("Your window is too small")).to_contain_text("800 × 600")
    button = page.get_by_role("button", name="Start")
    expect(button).to_be_hidden()
    for narrow in ((900, 500), (700, 700)):
        resize(page, narrow)
        expect(button).to_be_hidden()
    resize(page, LARGE)
    expect(button).to_be_visible()
    expect(page.get_by_text("Your window is too small")).to_be_hidden()
    page.get_by_role("checkbox").check()
    button.click()
    page.wait_for_url("**/p/**")


def test_zoom_counts_as_a_smaller_window_and_a_form_that_comes_through_is_refused(
    new_page: NewPage, live_server: Any, study: Study
) -> None:
    """At 200 % a window of 1280 × 800 has 640 × 400 CSS pixels. The style sheet that hides the button may be missing."""
    page = new_page((640, 400), device_scale_factor=2)
    page.route("**/small_window*.css", lambda route: route.fulfill(content_type="text/css", body=""))
    page.goto(f"{live_server.url}/s/test/")
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#consent-error")).to_contain_text("Your window is too small")
    assert not Participant.objects.exists()


def test_a_study_that_asks_for_nothing_shows_nothing(new_page: NewPage, live_server: Any) -> None:
    factories.live()
    page = new_page((320, 300))
    page.goto(f"{live_server.url}/s/test/")
    expect(page.locator(".small-window")).to_have_count(0)
    expect(page.get_by_role("button", name="Start")).to_be_visible()


def test_device_window_and_signs_are_stored_at_consent_and_with_the_questions(
    page: Page, live_server: Any
) -> None:
    study = factories.draft()
    StudyText.objects.create(study=study, key="demographics", language="en", markdown="note: Anything?")
    freeze.go_live(study)
    walking.start(page, live_server.url)
    at_consent = Participant.objects.get().client
    assert at_consent["viewport_w"] == 1280 and at_consent["screen_w"] >= 1280
    assert (at_consent["text_px"], at_consent["touch"], at_consent["framed"]) == (16, 0, 0)
    assert at_consent["webdriver"] == 1  # a program does drive this browser, and says so
    assert at_consent["consent_ms"] > 0 and at_consent["pasted"] == 0
    note = page.locator("[name=q_note]")
    note.evaluate("field => field.dispatchEvent(new ClipboardEvent('paste', { bubbles: true }))")
    note.fill("no")
    page.locator(walking.ON).click()
    page.locator("input[value=instructions_matching]").wait_for(state="attached")
    stored = Participant.objects.get()
    assert stored.client == at_consent | {"pasted": 1}
    assert stored.demographics == {"note": "no"}


def test_what_a_program_does_in_a_trial_is_told(page: Page, live_server: Any) -> None:
    factories.live(practice_trials=0)
    walking.start(page, live_server.url)
    walking.to_block(page)
    walking.answer(page)
    page.wait_for_load_state("networkidle")
    walking.ready(page)
    with page.expect_response(lambda response: response.request.method == "POST"):
        page.evaluate(
            "() => { const form = document.querySelector('form.trial'); form.querySelector('input[type=radio]').click();"
            " form.querySelector('button.primary').click(); }"
        )
    by_hand, by_script = (r.client for r in Participant.objects.get().responses.order_by("pk")[:2])
    assert by_hand["actions"] > 0 and by_hand["untrusted"] == 0
    assert by_script["actions"] == 0 and by_script["untrusted"] >= 2
