"""What goes wrong on real networks and with real people: every answer is stored once, whatever happens."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from survey_site.trials.models import Participant, Response
from tests import factories
from tests.browser import walking
from tests.browser.complete import assert_complete, short_study
from tests.browser.conftest import NewPage
from tests.browser.server import RestartableServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("media")]


@pytest.fixture
def url(live_server: Any) -> str:
    return short_study(live_server)


def test_it_works_without_javascript(new_page: NewPage, url: str) -> None:
    page = new_page(javascript=False)
    walking.start(page, url)
    for _ in range(80):
        button = page.locator("form button[type=submit]:not(.unscripted)")
        if not button.count():
            break
        if page.locator("input[name=trial]").count():
            page.locator("input[type=radio]").first.check()
        button.click()
    assert_complete()
    assert set(Response.objects.values_list("seen", "rt_ms")) == {("unknown", None)}


def test_three_trials_offline_and_back(page: Page, url: str) -> None:
    walking.start(page, url)
    walking.to_block(page)
    page.wait_for_load_state("networkidle")
    stored, first = Response.objects.count(), walking.position(page)
    page.context.set_offline(True)
    for _ in range(3):
        walking.answer(page)
    assert walking.position(page) == first + 3
    expect(page.locator("#notice")).to_contain_text("kept on this device")
    assert Response.objects.count() == stored
    page.context.set_offline(False)
    expect(page.locator("#notice")).to_be_hidden()
    assert Response.objects.count() == stored + 3
    walking.to_end(page)
    assert_complete()


def test_pages_between_trials_wait_for_the_network_and_go_on(page: Page, url: str) -> None:
    page.goto(f"{url}/s/test/")
    page.get_by_role("checkbox").check()
    go_on_offline(page, Participant.objects.count)
    page.wait_for_url(re.compile("/p/"))
    go_on_offline(page, lambda: Participant.objects.get().acknowledged)
    walking.ready(page)
    assert Participant.objects.get().acknowledged == ["instructions_matching"]
    walking.to_end(page)
    assert_complete()


def go_on_offline(page: Page, stored: Callable[[], Any]) -> None:
    """Sends the page's form without a network, twice, then with one."""
    before, address = stored(), page.url
    page.context.set_offline(True)
    page.locator("button.primary").click()
    expect(page.locator("#notice")).to_contain_text("goes on by itself")
    page.locator("button.primary").click()
    assert (stored(), page.url) == (before, address)
    with page.expect_navigation():
        page.context.set_offline(False)


def test_answers_kept_offline_survive_a_reload(page: Page, url: str) -> None:
    address = walking.start(page, url)
    walking.to_block(page)
    page.wait_for_load_state("networkidle")
    stored = Response.objects.count()
    page.context.set_offline(True)
    walking.answer(page, 1)
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto("about:blank")
    page.context.set_offline(False)
    page.goto(address)
    walking.ready(page)
    expect(page.locator("#notice")).to_be_hidden()
    assert Response.objects.count() == stored + 1
    walking.to_end(page)
    assert_complete()


def test_the_server_restarts_in_mid_study(page: Page) -> None:
    factories.live(images=12, matching_trials_per_column=2)
    with RestartableServer() as server:
        walking.start(page, server.url)
        walking.to_block(page)
        page.wait_for_load_state("networkidle")
        server.stop()
        walking.answer(page)
        walking.answer(page)
        expect(page.locator("#notice")).to_be_visible()
        server.start()
        walking.to_end(page)
    assert_complete()


def test_a_failing_server_is_asked_again(page: Page, url: str) -> None:
    failures: list[str | None] = []

    def fail_twice(route: Route) -> None:
        if route.request.method == "POST" and len(failures) < 2:
            failures.append(route.request.post_data)
            # The second time the answer arrives but its acknowledgement is lost.
            if len(failures) == 2:
                route.fetch()
            route.fulfill(status=502, body="bad gateway")
        else:
            route.continue_()

    walking.start(page, url)
    walking.to_block(page)
    page.route("**/p/*/?after=*", fail_twice)
    walking.answer(page)
    walking.to_end(page)
    assert len(failures) == 2
    assert_complete()


def test_a_double_click_answers_once(page: Page, url: str) -> None:
    walking.start(page, url)
    walking.to_block(page)
    first, stored = walking.position(page), Response.objects.count()
    form = walking.ready(page)
    form.locator("input[type=radio]").first.check()
    form.locator("button.primary").dblclick()
    walking.ready(page)
    page.wait_for_load_state("networkidle")
    assert walking.position(page) == first + 1
    assert Response.objects.count() == stored + 1
    walking.to_end(page)
    assert_complete()


def test_a_double_click_without_javascript_answers_once(new_page: NewPage, url: str) -> None:
    page = new_page(javascript=False)
    walking.start(page, url)
    while not page.locator("input[name=trial]").count():
        page.locator("button.primary").click()
    page.locator("input[type=radio]").first.check()
    page.locator("form button[type=submit]:not(.unscripted)").dblclick()
    expect(page.locator("input[name=page]")).to_have_value("feedback-0")
    assert Response.objects.count() == 1


def test_two_tabs_do_not_answer_twice(page: Page, url: str) -> None:
    address = walking.start(page, url)
    walking.to_block(page)
    other = page.context.new_page()
    other.goto(address)
    walking.ready(other)
    stored = Response.objects.count()
    walking.answer(page, 0)
    page.wait_for_load_state("networkidle")
    form = walking.ready(other)
    form.locator('input[value="1"]').check()
    form.locator("button.primary").click()
    other.wait_for_function(
        f"() => document.querySelector('form.trial')?.dataset.position == {walking.position(page)}"
    )
    other.wait_for_load_state("networkidle")
    assert Response.objects.count() == stored + 1
    other.close()
    page.reload()
    walking.to_end(page)
    assert_complete()


def test_back_and_reload_show_the_current_trial(page: Page, url: str) -> None:
    walking.start(page, url)
    walking.to_block(page)
    walking.answer(page)
    page.wait_for_load_state("networkidle")
    current = walking.position(page)
    page.reload()
    walking.ready(page)
    assert walking.position(page) == current
    page.go_back()
    page.go_forward()
    walking.ready(page)
    assert walking.position(page) == current
    walking.to_end(page)
    assert_complete()
