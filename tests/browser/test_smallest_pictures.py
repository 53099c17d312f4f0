"""No picture below 160 CSS pixels, whatever the window, the zoom and the size of text; what has no room is scrolled to.

`pytest -s tests/browser/test_smallest_pictures.py` prints the matrix. Zoom is what browsers make of it: a window of fewer
CSS pixels; the size of text is the browser's own setting.
"""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from survey_site.trials.measurements import FLOOR_PX
from survey_site.trials.models import Participant
from tests import factories
from tests.browser import walking
from tests.browser.conftest import Launch

pytestmark = [pytest.mark.looks, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("media")]

WINDOWS = {
    "desktop": (1920, 1080),
    "laptop": (1280, 720),
    "tablet": (820, 1180),
    "phone": (390, 844),
    "small phone": (360, 640),
    "phone, landscape": (844, 390),
    "small phone, landscape": (640, 360),
}
ZOOMS = (100, 200, 400)
TEXT_PX = (16, 24, 32)
REFLOW_PX = 320  # WCAG 1.4.10: down to here nothing but up and down is scrolled
NARROWEST = FLOOR_PX + 16
LOOK = """() => {
  const sides = [...document.querySelectorAll("form.trial img")].map((image) => image.getBoundingClientRect());
  const page = document.documentElement;
  return {
    smallest: Math.min(...sides.flatMap((box) => [box.width, box.height])),
    within: sides.every((box) => box.left >= -0.5 && box.right <= innerWidth + 0.5 && box.top + scrollY >= 0),
    sideways: page.scrollWidth - innerWidth,
    fits: page.scrollHeight <= innerHeight,
  };
}"""


@pytest.fixture(params=TEXT_PX)
def text_px(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def browser_of_text(launch: Launch, text_px: int) -> Iterator[Browser]:
    """A Chromium that is set to a size of text, as in its preferences."""
    browser = launch(f"--blink-settings=defaultFontSize={text_px}")
    yield browser
    browser.close()


def looked_at(page: Page) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """The page shown now in every window at every zoom."""
    page.wait_for_load_state()  # before that the style sheet may be on its way
    for (name, (width, height)), zoom in itertools.product(WINDOWS.items(), ZOOMS):
        page.set_viewport_size({"width": width * 100 // zoom, "height": height * 100 // zoom})
        yield name, zoom, page.evaluate(LOOK)
    page.set_viewport_size({"width": 1280, "height": 720})


@pytest.mark.parametrize("pool", [4, 12])
def test_no_picture_is_smaller_than_the_floor(
    live_server: Any, browser_of_text: Browser, text_px: int, pool: int
) -> None:
    factories.live(images=2 * pool, reserve=2 * pool, pool_size=pool, methods=factories.METHODS[:2])
    page = browser_of_text.new_page(viewport={"width": 1280, "height": 720})
    address = walking.start(page, live_server.url)
    smallest: dict[tuple[str, int], float] = {}
    met = set()
    for kind in walking.pages(page, address):
        if not page.locator("form.trial").count():
            assert_reflows(page, kind)
            continue
        met.add(kind)
        for name, zoom, found in looked_at(page):
            where = f"{kind} on {name} at {zoom} %, text {text_px} px: {found}"
            smallest[name, zoom] = min(found["smallest"], smallest.get((name, zoom), 1e9))
            assert found["smallest"] >= FLOOR_PX, where
            if WINDOWS[name][0] * 100 // zoom >= NARROWEST:
                assert found["sideways"] <= 0 and found["within"], where
    assert met == {
        "practice-matching", "feedback-matching", "matching", "practice-rating", "feedback-rating", "rating",
    }  # fmt: skip
    print(f"\nsmallest picture, CSS px, pools of {pool}, text {text_px} px\n{table(smallest)}")
    assert Participant.objects.get().state == "finished"


def table(smallest: dict[tuple[str, int], float]) -> str:
    head = f"{'window':>24} " + " ".join(f"{zoom:>6} %" for zoom in ZOOMS)
    rows = [f"{name:>24} " + " ".join(f"{smallest[name, zoom]:8.0f}" for zoom in ZOOMS) for name in WINDOWS]
    return "\n".join([head, *rows])


def assert_reflows(page: Page, kind: str) -> None:
    """A page between trials is read without scrolling sideways, at 400 % of a laptop's width."""
    page.set_viewport_size({"width": REFLOW_PX, "height": 256})
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, kind
    page.set_viewport_size({"width": 1280, "height": 720})
