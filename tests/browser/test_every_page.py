"""Every page on laptop and phone, light and dark, also from right to left: trials on one screen where the floor of their
pictures lets them, no violation by axe.

With SCREENSHOTS=folder each page is saved there too (`make screenshots`).
"""

import os
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from survey_site.protocols import freeze, life
from survey_site.recruitment.models import Recruitment
from survey_site.studies.models import Study, StudyText
from survey_site.tasks import registry
from survey_site.trials.measurements import FLOOR_PX
from survey_site.trials.models import Participant
from tests import factories
from tests.browser import pictured, walking
from tests.browser.conftest import DESKTOP, PHONE, NewPage

SENT = "?PROLIFIC_PID=5f0c9a1b2c3d4e5f60718293"
pytestmark = [pytest.mark.looks, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("media")]

RULES = {
    "resultTypes": ["violations"],  # of what passes, one node for each rule
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    },
}
DEMOGRAPHICS = {
    "en": """\
age*: How old are you? [18-99]
sight: Do you see colours normally? [Yes / No / I do not know]
note: Anything else?
""",
    "ar": """\
age*: كم عمرك؟ [18-99]
sight: هل ترى الألوان بشكل طبيعي؟ [نعم / لا / لا أعرف]
note: هل من شيء آخر؟
""",
}
TASKS = ("matching", "rating")
ONE_SCREEN = {
    f"{part}{task.name}" for task in registry.installed() for part in ("", "practice-", "feedback-")
}


@pytest.fixture
def study() -> Study:
    photographs = pictured.photographs()

    def painter(seed: int, method: str) -> bytes:
        photograph = photographs[seed % len(photographs)]
        if method == "original":
            return photograph
        return pictured.heat_map(photograph, seed, outlines="." in method)

    study = factories.draft(
        images=12, reserve=6, pool_size=4, painter=painter, attention_checks=1, rating_trials_per_column=2
    )
    for language, markdown in DEMOGRAPHICS.items():
        StudyText.objects.create(study=study, key="demographics", language=language, markdown=markdown)
    freeze.go_live(study)
    Recruitment.objects.create(study=study, provider="prolific", completed_code="C1A2B3C4")
    return study


@pytest.mark.parametrize(
    ("size", "scheme", "language"),
    [
        (DESKTOP, "light", "en"),
        (DESKTOP, "dark", "en"),
        (PHONE, "light", "en"),
        (PHONE, "dark", "en"),
        (PHONE, "light", "ar"),
        (DESKTOP, "dark", "ar"),
    ],
)
def test_every_page_is_accessible_and_trials_fit_one_screen(
    study: Study, live_server: Any, new_page: NewPage, size: tuple[int, int], scheme: str, language: str
) -> None:
    page = new_page(size, color_scheme=scheme, locale=language)
    shot = Shots(page, f"{size[0]}x{size[1]}-{scheme}-{language}")
    page.goto(f"{live_server.url}/s/test/{SENT}")
    shot("start")
    address = walking.start(page, live_server.url, query=SENT)
    page.locator("[name=q_age]").fill("30")
    seen = []
    for name in walking.pages(page, address):
        if name == "demographics":
            shot(name)
            page.locator("button.primary").click()
            page.locator(".error").wait_for()
            shot("demographics-error")
            page.locator("[name=q_age]").fill("30")
            continue
        shot(name)
        seen.append(name)
        if name == "matching":
            walking.ready(page).locator("label.option").nth(1).click()
            shot("matching-chosen")
    assert set(seen) >= {f"{part}{task}" for task in TASKS for part in ("", "practice-", "feedback-")}
    receipt = Participant.objects.get().receipt
    life.step(study, "close")
    places = {
        "leave": f"/w/{receipt}/",
        "privacy": "/s/test/privacy/",
        "home": "/",
        "closed": "/s/test/",
        "unknown": "/p/unknown/",
    }
    for name, path in places.items():
        page.goto(live_server.url + path)
        shot(name)
    page.goto(f"{live_server.url}/w/{receipt}/")
    page.context.set_offline(True)
    page.locator("button.danger").click()
    page.locator("#notice").wait_for()
    shot("offline")
    with page.expect_navigation():
        page.context.set_offline(False)
    shot("withdrawn")
    page.goto(address)
    shot("refusal")


class Shots:
    """Checks the page shown now and saves it where screenshots were asked for."""

    def __init__(self, page: Page, label: str) -> None:
        self.page, self.label, self.number = page, label, 0
        self.folder = Path(os.environ["SCREENSHOTS"]) if os.environ.get("SCREENSHOTS") else None

    def __call__(self, name: str) -> None:
        if self.folder:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.number += 1
            self.page.screenshot(path=self.folder / f"{self.label}-{self.number:02d}-{name}.png")
        found = Axe().run(self.page, options=RULES)
        assert not found.response["violations"], f"{name} {self.label}\n{found.generate_report()}"
        width, height, scroll_width, scroll_height = self.page.evaluate(
            "[innerWidth, innerHeight, document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
        )
        assert scroll_width <= width, f"{name} scrolls sideways"
        if name in ONE_SCREEN and scroll_height > height:
            sides = self.page.locator("form.trial img").evaluate_all(
                "all => all.map((image) => image.clientWidth)"
            )
            assert min(sides) == FLOOR_PX, (
                f"{name} is {scroll_height} px high on a screen of {height}: {sides}"
            )
            assert (width, height) != DESKTOP, f"{name} scrolls on a laptop"
