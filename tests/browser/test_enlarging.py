"""Pictures can be enlarged without choosing; what was on the screen, and how large, goes along with the answer."""

from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from survey_site.trials.measurements import FLOOR_PX
from survey_site.trials.models import Response
from tests import factories
from tests.browser import walking
from tests.browser.conftest import PHONE, NewPage

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("media")]
LANDSCAPE = (640, 360)


@pytest.fixture
def url(live_server: Any) -> str:
    factories.live(images=12, reserve=12, pool_size=4, practice_trials=0, methods=factories.METHODS[:2])
    return str(live_server.url)


def at_trial(page: Page, url: str) -> None:
    walking.start(page, url)
    walking.to_block(page)


def stored(page: Page, choice: int = 0) -> Response:
    before = Response.objects.count()
    with page.expect_response(lambda response: response.request.method == "POST"):
        walking.answer(page, choice)
    assert Response.objects.count() == before + 1
    return Response.objects.latest("pk")


def test_a_photo_is_enlarged_without_being_chosen(new_page: NewPage, url: str) -> None:
    page = new_page(PHONE, has_touch=True)
    at_trial(page, url)
    page.wait_for_load_state("networkidle")
    page.context.set_offline(True)  # nothing is fetched for it
    button = page.get_by_role("button", name="Enlarge: Photo 2")
    button.tap()
    picture = page.get_by_role("img", name="Photo 2").locator("visible=true").last
    box = page.locator("dialog canvas").bounding_box()
    assert picture.is_visible() and box and box["width"] > 1.5 * FLOOR_PX
    page.keyboard.press("ArrowRight")
    page.keyboard.press("2")
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)
    expect(button).to_be_focused()
    expect(page.locator("form.trial input:checked")).to_have_count(0)
    page.locator('img[data-role="map"]').tap()
    expect(page.get_by_role("dialog", name="Enlarged")).to_be_visible()
    page.get_by_role("button", name="Close").tap()
    expect(page.locator("dialog[open]")).to_have_count(0)
    page.context.set_offline(False)
    assert stored(page).client["enlarged"] == 2


def test_a_time_limit_ends_an_enlarged_picture_too(new_page: NewPage, live_server: Any) -> None:
    factories.live(trial_timeout_s=1, practice_trials=0, rating_trials_per_column=0)
    page = new_page(PHONE)
    walking.start(page, live_server.url)
    page.locator("button.primary").click()
    walking.ready(page)
    page.get_by_role("button", name="Enlarge: Heat map").click()
    page.locator("dialog[open]").wait_for()
    expect(page.locator("dialog[open]")).to_have_count(0)
    expect(page.locator("input[name=trial]")).to_have_count(0)
    assert set(Response.objects.values_list("missing", flat=True)) == {"timeout"}


def test_feedback_can_be_enlarged_too(new_page: NewPage, live_server: Any) -> None:
    factories.live()
    page = new_page(PHONE)
    walking.start(page, live_server.url)
    page.locator("button.primary").click()
    walking.answer(page)
    page.locator("form.feedback").wait_for()
    page.get_by_role("button", name="Enlarge: Photo 1").click()
    page.get_by_role("button", name="Close").click()
    expect(page.locator("input[name=page]")).to_have_value("feedback-0")


def test_the_map_stays_in_sight_while_the_photos_are_scrolled(new_page: NewPage, url: str) -> None:
    for size in (PHONE, LANDSCAPE):
        page = new_page(size)
        at_trial(page, url)
        page.evaluate("window.scrollTo(0, document.documentElement.scrollHeight)")
        assert page.evaluate("scrollY > 0")
        box = page.locator('img[data-role="map"]').bounding_box()
        assert box and 0 <= box["y"] <= size[1] - box["height"], size


def test_the_next_trial_begins_at_its_top(new_page: NewPage, url: str) -> None:
    page = new_page(LANDSCAPE)
    at_trial(page, url)
    page.wait_for_load_state("networkidle")
    page.evaluate("window.scrollTo(0, document.documentElement.scrollHeight)")
    walking.answer(page, 3)
    walking.ready(page)
    assert page.evaluate("scrollY") == 0


def frames(page: Page) -> None:
    """Two frames: what is on the screen is known after each."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def restyled(page: Page, rule: str) -> None:
    """The site's own style sheet with one rule more, as a browser's extension or an old browser may have it."""

    def fulfil(route: Route) -> None:
        response = route.fetch()
        route.fulfill(response=response, body=response.text() + rule)

    page.route("**/trials/survey*.css", fulfil)


def test_photos_that_were_never_on_the_screen_are_told(new_page: NewPage, url: str) -> None:
    page = new_page((640, 260))
    at_trial(page, url)
    frames(page)
    page.keyboard.press("ArrowRight")
    with page.expect_response(lambda response: response.request.method == "POST"):
        page.keyboard.press("Enter")
    hasty = Response.objects.latest("pk")
    assert (hasty.seen, hasty.client["out_of_view"]) == ("yes", 2)
    walking.ready(page)
    page.locator("img").last.scroll_into_view_if_needed()
    frames(page)
    assert stored(page, 3).client["out_of_view"] == 0


def test_a_picture_below_the_floor_marks_the_answer(page: Page, url: str) -> None:
    at_trial(page, url)
    plain = stored(page).client
    assert plain["smallest_px"] >= FLOOR_PX and "below_floor" not in plain
    restyled(page, ".trial .option img { width: 53px; height: 53px; }")
    page.reload()
    shrunk = stored(page).client
    assert (shrunk["smallest_px"], shrunk["below_floor"]) == (53, 1)


def test_a_map_of_no_size_was_not_seen(page: Page, url: str) -> None:
    at_trial(page, url)
    restyled(page, '.trial img[data-role="map"] { width: 0; height: 0; }')
    page.reload()
    walking.ready(page)
    frames(page)
    answer = stored(page)
    assert (answer.seen, answer.client["smallest_px"]) == ("no", 0)
