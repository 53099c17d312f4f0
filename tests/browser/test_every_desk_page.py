"""Every page of the researcher's desk in Chromium: no error, nothing scrolls sideways, no violation by axe.

The list of pages is the site's own (tests/desk/pages.py). `make screenshots` saves each, desktop and tablet, light and
dark; a plain run looks at the custom pages on the desktop only.
"""

import os
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from playwright.sync_api import Page

from survey_site.studies.models import Study
from tests.browser import pictured
from tests.browser.conftest import NewPage
from tests.desk import crowd
from tests.desk.pages import each_page

pytestmark = [pytest.mark.looks, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("media")]
WCAG = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
    "resultTypes": ["violations"],  # of what passes, one node for each rule
}
FOLDER = os.environ.get("SCREENSHOTS", "")
DESKTOP, TABLET = (1280, 1400), (820, 1400)  # high, since the desk scrolls inside its shell
SIZES = [DESKTOP, TABLET] if FOLDER else [DESKTOP]
CUSTOM = ("study_", "index", "report", "reconciliation", "studies_study_change", "stimuli_stimulus_change")
PAINTED = "[...document.images].every(i => i.complete || i.getBoundingClientRect().top > innerHeight)"
# Of Swagger's own page; its scripts draw what they like.
FOREIGN = {"api-docs"}


@pytest.fixture
def study(admin_user: Any, settings: Any, tmp_path: Path) -> Study:
    # The live server answers in threads, so the cache must be one that threads share.
    backend = "django.core.cache.backends.filebased.FileBasedCache"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": str(tmp_path / "cache")}}
    photographs = pictured.photographs()

    def painter(seed: int, method: str) -> bytes:
        photograph = photographs[seed % len(photographs)]
        return photograph if method == "original" else pictured.heat_map(photograph, seed, "." in method)

    return crowd.study_with_everything(
        "what-did-it-see", admin_user, people=3, images=12, reserve=6, pool_size=4, painter=painter
    )


def signed_in(page: Page, user: Any, address: str) -> Page:
    client = Client()
    client.force_login(user)
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": address}
    page.context.add_cookies([cookie])  # type: ignore[list-item]
    return page


@pytest.mark.timeout(3000 if FOLDER else 600)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}px")
def test_every_page_of_the_desk_is_whole_and_accessible(
    live_server: Any, admin_user: Any, new_page: NewPage, size: tuple[int, int], scheme: str, request: Any
) -> None:
    page = new_page(size, color_scheme=scheme)
    look = Look(page, f"desk-{size[0]}-{scheme}")
    page.goto(f"{live_server.url}/admin/login/")
    look("login")
    signed_in(page, admin_user, live_server.url)
    page.goto(f"{live_server.url}/admin/")
    look("index-empty")
    client = Client()
    client.force_login(admin_user)
    wanted = ("",) if FOLDER else CUSTOM
    for name, path in dict(each_page(request.getfixturevalue("study"), client, wanted)).items():
        page.goto(live_server.url + path)
        look(name)
    assert not look.faults, "\n".join(look.faults)


class Look:
    """Saves the page shown now where that was asked for, and notes what is wrong with it."""

    def __init__(self, page: Page, label: str) -> None:
        self.page, self.label = page, label
        self.faults: list[str] = []

    def __call__(self, name: str) -> None:
        if FOLDER:
            Path(FOLDER).mkdir(parents=True, exist_ok=True)
            self.page.wait_for_function(PAINTED)
            self.page.screenshot(path=f"{FOLDER}/{self.label}-{name}.png")
        width, scroll_width = self.page.evaluate("[innerWidth, document.documentElement.scrollWidth]")
        if scroll_width > width:
            self.faults.append(f"{name} is {scroll_width} px wide on a screen of {width}")
        if name not in FOREIGN:
            found = Axe().run(self.page, options=WCAG)
            self.faults += [
                f"{name}: {violation['id']} {node['target']} {node['html'][:160]}"
                for violation in found.response["violations"]
                for node in violation["nodes"][:4]
            ]
