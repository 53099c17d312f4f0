"""Files for Excel, SPSS and Stata in Chromium: asked for by a button, taken up by the page when they are ready."""

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from survey_site.reports import tasks
from tests.browser.conftest import NewPage
from tests.browser.test_every_desk_page import WCAG
from tests.browser.test_report import signed_in
from tests.reports.factory import Survey, survey

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("media")]


@pytest.fixture
def own(settings: Any, tmp_path: Path) -> Survey:
    # The live server answers in threads, so the cache must be one that threads share.
    backend = "django.core.cache.backends.filebased.FileBasedCache"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": str(tmp_path / "cache")}}
    mine = survey("mine")
    mine.rating(mine.participant(), 0, 3)
    return mine


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_takes_up_a_file_when_the_worker_has_made_it(
    live_server: Any,
    new_page: NewPage,
    admin_user: Any,
    own: Survey,
    monkeypatch: pytest.MonkeyPatch,
    scheme: str,
) -> None:
    asked: list[list[Any]] = []
    # The report asks for its statistics too.
    monkeypatch.setattr(
        "survey_site.celery.app.send_task",
        lambda name, args, queue: asked.append(args) if name == "reports.data_file" else None,
    )
    page = signed_in(new_page, admin_user, live_server.url, scheme)
    page.goto(f"{live_server.url}/reports/mine/")
    page.get_by_role("link", name="Excel, SPSS, Stata …").click()
    page.get_by_role("button", name="Make Excel workbook").click()
    expect(page.locator("#data-files")).to_contain_text("being made")
    assert Axe().run(page, options=WCAG).response["violations"] == []
    tasks.data_file(*asked[0])
    with page.expect_download() as given:
        page.get_by_role("link", name="Excel workbook").click()
    assert given.value.suggested_filename == "mine-data.xlsx"
    assert len(asked) == 1
    assert Axe().run(page, options=WCAG).response["violations"] == []
