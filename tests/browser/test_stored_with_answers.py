"""What is stored with an answer in a real browser: how and when it was given, or why there is none."""

from typing import Any
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Page, Route, expect

from survey_site.trials.models import Response
from tests import factories
from tests.browser import walking
from tests.browser.complete import assert_complete, short_study

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("media")]


@pytest.fixture
def url(live_server: Any) -> str:
    return short_study(live_server)


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
