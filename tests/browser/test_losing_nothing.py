"""What goes wrong on real networks and with real people: every answer is stored once, whatever happens."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Page, Route, expect

from survey_site.trials.models import Participant, Response, Trial
from tests import factories
from tests.browser import walking
from tests.browser.conftest import NewPage
from tests.browser.server import RestartableServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("media")]


def assert_complete() -> None:
    """Every trial of every participant has its one answer, and nobody is left unfinished."""
    assert Participant.objects.exclude(state="finished").count() == 0
    assert Response.objects.count() == Trial.objects.count() > 0
    assert not Response.objects.exclude(missing="").exists()


@pytest.fixture
def url(live_server: Any) -> str:
    factories.live(images=8, matching_trials_per_column=2, methods=factories.METHODS[:2])
    return str(live_server.url)


def test_a_study_runs_to_its_end(page: Page, url: str) -> None:
    walking.start(page, url)
    walking.to_end(page)
    assert_complete()
    counted = Response.objects.filter(trial__attention_check=False)
    assert set(counted.values_list("seen", flat=True)) == {"yes"}
    for response in counted:
        assert response.rt_ms is not None
        assert response.client["natural_w"] == response.client["natural_h"] == factories.SIDE
        assert response.client["map_w"] > 100
        assert response.client["viewport_w"] == 1280
        assert response.client["input"] in ("mouse", "keyboard")


def test_it_works_by_keyboard_alone(page: Page, url: str) -> None:
    page.goto(f"{url}/s/test/")
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.type") == "checkbox":
            break
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/p/**")
    for number in range(80):
        walking.shown(page)
        if page.locator("input[name=trial]").count():
            form = walking.ready(page)
            before = form.locator("[name=trial]").input_value()
            page.keyboard.press("2" if number % 2 else "ArrowRight")
            expect(form.locator("input:checked")).to_have_count(1)
            page.keyboard.press("Enter")
            expect(page.locator(f'[name=trial][value="{before}"]')).to_have_count(0)
        elif page.locator("form button.primary").count():
            with page.expect_navigation():
                page.keyboard.press("Enter")
        else:
            break
    assert_complete()
    assert {r.client["input"] for r in Response.objects.all()} == {"keyboard"}


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


def test_onset_waits_for_a_slow_picture(page: Page, url: str) -> None:
    held: list[Route] = []
    walking.start(page, url)
    page.route("**/i/*", lambda route: held.append(route) if not held else route.continue_())
    page.locator("button.primary").click()
    page.locator("form.trial.waiting").wait_for()
    assert page.locator("form.trial button.primary").is_disabled()
    page.keyboard.press("Enter")
    assert not Response.objects.exists()
    page.wait_for_function("() => performance.now() > 600")
    held[0].continue_()
    page.unroute("**/i/*")
    walking.answer(page)
    response = Response.objects.get()
    assert response.client["onset_ms"] > 600
    assert response.rt_ms is not None


def test_a_picture_that_never_comes_leads_to_a_fair_exit(page: Page, url: str) -> None:
    walking.start(page, url)
    page.route("**/i/*", lambda route: route.abort())
    page.locator("button.primary").click()
    page.get_by_role("button", name="Skip this one").click()
    page.unroute("**/i/*")
    expect(page.locator("input[name=page]")).to_have_value("feedback-0")
    response = Response.objects.get()
    assert (response.missing, response.score, response.answer, response.rt_ms) == (
        "image_failed",
        None,
        {},
        None,
    )


def test_a_trial_that_takes_too_long_is_missing_with_its_reason(page: Page, live_server: Any) -> None:
    factories.live(trial_timeout_s=1, practice_trials=0, rating_trials_per_column=0)
    walking.start(page, str(live_server.url))
    page.locator("button.primary").click()
    expect(page.locator("input[name=page]")).to_have_value("debrief")
    stored = list(Response.objects.all())
    assert {(row.missing, row.score, row.seen) for row in stored} == {("timeout", None, "yes")}
    assert not any(row.answer for row in stored)
    assert all(1000 <= (row.rt_ms or 0) < 5000 for row in stored)


def test_a_choice_that_was_not_confirmed_in_time_is_not_sent(page: Page, live_server: Any) -> None:
    factories.live(trial_timeout_s=2, practice_trials=0, rating_trials_per_column=0)
    walking.start(page, str(live_server.url))
    with page.expect_request(lambda request: "missing=timeout" in (request.post_data or "")) as late:
        page.locator("button.primary").click()
        walking.ready(page).locator("input[type=radio]").first.check()
    sent = parse_qs(late.value.post_data or "", keep_blank_values=True)
    assert sent["missing"] == ["timeout"]
    assert {"trial", "idempotency_key", "rt_ms", "seen", "client"} < set(sent)
    assert "choice" not in sent
