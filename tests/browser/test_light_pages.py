"""Pages of trials are light, still, and ready when they are wanted."""

from typing import Any

import pytest
from playwright.sync_api import Page

from tests import factories
from tests.browser import walking

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("media")]


@pytest.fixture
def url(live_server: Any) -> str:
    factories.live(images=12, matching_trials_per_column=2)
    return str(live_server.url)


def test_nothing_moves_while_pictures_load(page: Page, url: str) -> None:
    walking.start(page, url)
    page.add_init_script(
        "window.shifts = 0; new PerformanceObserver((list) => list.getEntries().forEach((e) => "
        "window.shifts += e.value)).observe({type: 'layout-shift', buffered: true});"
    )
    walking.to_block(page)
    for _ in range(3):
        walking.answer(page)
    walking.ready(page)
    assert page.evaluate("window.shifts") == 0


def test_the_next_trial_comes_at_once_when_fetched_ahead(page: Page, url: str) -> None:
    walking.start(page, url)
    walking.to_block(page)
    page.wait_for_load_state("networkidle")
    page.evaluate(
        """() => {
          const root = document.getElementById("trial");
          const clicked = performance.now.bind(performance);
          root.addEventListener("submit", () => { window.t0 = clicked(); }, true);
          new MutationObserver(() => { window.swap = performance.now() - window.t0; })
            .observe(root, {childList: true});
        }"""
    )
    form = walking.ready(page)
    form.locator("input[type=radio]").first.check()
    form.locator("button.primary").click()
    page.wait_for_function("() => window.swap !== undefined")
    assert page.evaluate("window.swap") < 100


def test_a_trial_page_is_light_and_asks_no_third_party(page: Page, url: str) -> None:
    hosts, weight = set(), []
    walking.start(page, url)
    walking.to_block(page)
    page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    page.on(
        "response",
        lambda response: weight.append(len(response.body())) if "/i/" not in response.url else None,
    )
    page.reload()
    walking.ready(page)
    page.wait_for_load_state("networkidle")
    assert hosts == {url.split("/")[2]}
    assert sum(weight) < 75_000  # not compressed here, as it is by the site
