"""Storage that is full, scripts that do not come, pictures that are late: no answer is lost, and none is given blindly."""

from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from survey_site.trials.models import Participant, Response
from tests import factories
from tests.browser import walking
from tests.browser.conftest import NewPage

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("media")]
SCRIPTS = ("queue", "pictures", "signs", "measure", "keys", "enlarge", "online", "trial")
FULL = """
  let number = localStorage.length;
  for (let size = 2 ** 22; size >= 1; size /= 2)
    try { for (;;) localStorage.setItem("filler" + (number += 1), "x".repeat(size)); } catch {}
"""
POSTS = "**/p/*/?after=*"
BROKEN = "Storage.prototype.setItem = () => { throw new DOMException('no', 'QuotaExceededError'); };"

# Without the browser's own check, which would stop the form too (and complain about choices it cannot show).
UNCHECKED = "form => { form.noValidate = true; form.requestSubmit(form.querySelector('button.primary')); }"


@pytest.fixture
def url(live_server: Any) -> str:
    factories.live(images=12, matching_trials_per_column=2, rating_trials_per_column=2)
    return str(live_server.url)


def assert_all_answered() -> None:
    participant = Participant.objects.get()
    assert participant.state == "finished"
    assert Response.objects.filter(missing="").count() == participant.trials.count()


@pytest.mark.parametrize("storage", [FULL, BROKEN], ids=["full", "throws"])
def test_a_storage_that_takes_nothing_costs_no_answer(page: Page, url: str, storage: str) -> None:
    page.add_init_script(storage)
    walking.start(page, url)
    walking.to_end(page)
    assert_all_answered()


def test_who_is_offline_with_a_full_storage_is_told_to_leave_the_page_open(page: Page, url: str) -> None:
    page.add_init_script(BROKEN)
    walking.start(page, url)
    walking.to_block(page)
    page.route(
        "**/p/**", lambda route: route.abort() if route.request.method == "POST" else route.continue_()
    )
    walking.answer(page)
    expect(page.locator("#notice")).to_contain_text("leave this page open")
    page.unroute("**/p/**")
    walking.to_end(page)
    assert_all_answered()


@pytest.mark.parametrize("missing", SCRIPTS)
def test_the_plain_form_works_whichever_script_is_missing(new_page: NewPage, url: str, missing: str) -> None:
    page = new_page(strict=False)
    page.route(f"**/trials/{missing}*.js", lambda route: route.abort())
    walking.start(page, url)
    for _ in range(60):
        button = page.locator("form button[type=submit]:not(.unscripted)")
        if not button.count():
            break
        if page.locator("input[name=trial]").count():
            expect(page.locator("html.scripted")).to_have_count(0)
            page.locator("fieldset input[type=radio]").first.check()
        with page.expect_navigation():
            button.click()
    assert_all_answered()
    answers = Response.objects.all()
    assert set(answers.values_list("seen", flat=True)) == {"unknown"}
    assert {answer.client.get("scripts") for answer in answers} == {"failed"}


def test_nobody_answers_before_the_pictures_are_there(page: Page, url: str) -> None:
    walking.start(page, url)
    walking.to_block(page)
    held: list[Route] = []
    page.route("**/i/*", lambda route: held.append(route))
    page.reload(wait_until="commit")
    page.locator(".loading").wait_for(state="visible")
    expect(page.locator(".loading")).to_have_text("Loading pictures …")
    expect(page.locator(".trial .stage")).to_be_hidden()
    before = Response.objects.count()
    page.locator("form.trial").evaluate(UNCHECKED)
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    assert Response.objects.count() == before
    for route in held:
        route.continue_()
    page.unroute("**/i/*")
    walking.ready(page)
    expect(page.locator(".loading")).to_be_hidden()
    walking.answer(page)
    assert Response.objects.latest("pk").seen == "yes"


def test_a_digit_chooses_only_while_the_choices_have_the_focus(page: Page, url: str) -> None:
    walking.start(page, url)
    walking.to_block(page)
    form = walking.ready(page)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("1")
    expect(form.locator("input:checked")).to_have_count(0)
    form.locator("legend").evaluate("legend => legend.focus()")
    page.keyboard.press("1")
    expect(form.locator("input:checked")).to_have_count(1)


def test_without_javascript_an_answer_says_so(new_page: NewPage, url: str) -> None:
    page = new_page(javascript=False)
    walking.start(page, url)
    for _ in range(3):
        if page.locator("input[name=trial]").count():
            page.locator("fieldset input[type=radio]").first.check()
        page.locator("form button[type=submit]:not(.unscripted)").click()
    assert Response.objects.filter(client__scripts="off").exists()


def offline_answer(page: Page) -> int:
    """One answer that only the page has; returns how many the server has."""
    page.wait_for_load_state("networkidle")
    stored = Response.objects.count()
    page.route(POSTS, lambda route: route.abort())
    walking.answer(page)
    expect(page.locator("#notice")).to_be_visible()
    assert Response.objects.count() == stored
    return stored


def test_a_storage_that_fills_up_in_mid_study_costs_no_answer(page: Page, url: str) -> None:
    walking.start(page, url)
    walking.to_block(page)
    walking.answer(page)
    # Its acknowledgement makes room in the storage: it must have come before there is none.
    page.wait_for_function("() => !Object.keys(localStorage).some((key) => key.startsWith('survey:'))")
    page.evaluate(FULL)
    offline_answer(page)
    expect(page.locator("#notice")).to_contain_text("leave this page open")
    page.unroute(POSTS)
    walking.to_end(page)
    assert_all_answered()


def test_a_storage_that_is_emptied_in_mid_study_costs_no_answer(page: Page, url: str) -> None:
    walking.start(page, url)
    walking.to_block(page)
    offline_answer(page)
    page.evaluate("localStorage.clear()")
    page.unroute(POSTS)
    walking.to_end(page)
    assert_all_answered()


@pytest.mark.parametrize("text", ["{", "5", '{"length": 3}', "null", "[7, null]"])
def test_what_is_no_list_of_answers_in_the_storage_is_passed_over(page: Page, url: str, text: str) -> None:
    address = walking.start(page, url)
    key = "survey:" + address.removeprefix(url)
    page.evaluate("([key, text]) => localStorage.setItem(key, text)", [key, text])
    walking.to_block(page)
    before = Response.objects.count()
    walking.answer(page)
    page.wait_for_load_state("networkidle")
    assert Response.objects.count() == before + 1


def test_an_answer_of_a_tab_that_was_closed_is_sent_by_another(page: Page, url: str) -> None:
    address = walking.start(page, url)
    walking.to_block(page)
    stored = offline_answer(page)
    other = page.context.new_page()
    page.close()
    other.goto(address)
    walking.ready(other)
    assert Response.objects.count() == stored + 1


def test_a_storage_that_may_not_even_be_named_costs_no_answer(page: Page, url: str) -> None:
    """As where a browser is told to keep no site's data."""
    denied = "get: () => { throw new DOMException('no', 'SecurityError'); }"
    names = ("localStorage", "sessionStorage", "indexedDB", "caches")
    page.add_init_script(
        ";".join(f"Object.defineProperty(window, '{name}', {{ {denied} }})" for name in names)
    )
    walking.start(page, url)
    walking.to_end(page)
    assert_all_answered()


def test_one_starts_and_ends_where_all_cookies_are_blocked(page: Page, url: str) -> None:
    def without_cookies(route: Route) -> None:
        headers = {name: value for name, value in route.request.headers.items() if name != "cookie"}
        route.continue_(headers=headers)

    page.route("**/*", without_cookies)
    page.add_init_script(
        "Object.defineProperty(Document.prototype, 'cookie', { get: () => '', set: () => {} });"
    )
    walking.start(page, url)
    walking.to_end(page)
    assert_all_answered()


def test_a_picture_that_cannot_be_decoded_leads_to_a_fair_exit(page: Page, url: str) -> None:
    walking.start(page, url)
    page.route("**/i/*", lambda route: route.fulfill(content_type="image/png", body="no picture"))
    page.locator("button.primary").click()
    page.get_by_role("button", name="Skip this one").click()
    page.unroute("**/i/*")
    expect(page.locator("input[name=page]")).to_have_value("feedback-0")
    assert Response.objects.get().missing == "image_failed"


def test_a_picture_that_neither_comes_nor_fails_leads_to_a_fair_exit(page: Page, url: str) -> None:
    walking.start(page, url)
    held: list[Route] = []
    page.clock.install()
    page.route("**/i/*", lambda route: held.append(route))
    page.locator("button.primary").click()
    page.locator("form.trial.waiting").wait_for(state="attached")
    for _ in range(6):
        page.clock.run_for(31_000)
    page.get_by_role("button", name="Skip this one").wait_for()


def test_a_script_that_hangs_is_taken_for_missing(new_page: NewPage, url: str) -> None:
    page = new_page(strict=False)
    walking.start(page, url)
    held: list[Route] = []
    page.clock.install()
    page.route("**/trials/measure*.js", lambda route: held.append(route))
    page.locator("button.primary").click(no_wait_after=True)
    page.locator(".loading").wait_for(state="visible")
    page.clock.run_for(31_000)
    expect(page.locator("html.scripted")).to_have_count(0)
    page.locator("fieldset input[type=radio]").first.check()
    held[0].continue_()  # it comes after all, and leaves the form alone
    page.unroute("**/trials/measure*.js")
    page.locator("form button.primary").click()
    expect(page.locator("input[name=page]")).to_have_value("feedback-0")
    assert Response.objects.get().client["scripts"] == "failed"


def test_all_scripts_missing_is_told_apart_from_a_browser_that_runs_none(new_page: NewPage, url: str) -> None:
    for javascript, told in ((True, "failed"), (False, "off")):
        Participant.objects.all().delete()
        page = new_page(javascript=javascript, strict=False)
        page.route("**/*.js", lambda route: route.abort())
        walking.start(page, url)
        page.locator("button.primary").click()
        page.locator("fieldset input[type=radio]").first.check()
        page.locator("form button.primary").click()
        expect(page.locator("input[name=page]")).to_have_value("feedback-0")
        assert Response.objects.get().client == {"scripts": told}
