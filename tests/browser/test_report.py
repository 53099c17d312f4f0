"""The report in Chromium: there at once, takes up the statistics when they are ready, and no violation by axe."""

import io
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.core.management import call_command
from django.test import Client
from playwright.sync_api import Page, expect

from fixtures import write_replay
from survey_site.reports import cached_report, tasks
from survey_site.studies.models import Study
from tests.browser.conftest import NewPage
from tests.browser.test_every_desk_page import WCAG

pytestmark = pytest.mark.django_db(transaction=True)
SLUG = "feature-cam-table-1"


@pytest.fixture
def replay(settings: Any, tmp_path: Any) -> Study:
    # The live server answers in threads, so the cache must be one that threads share.
    backend = "django.core.cache.backends.filebased.FileBasedCache"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": str(tmp_path / "cache")}}
    call_command("import_study", str(write_replay.FOLDER), stdout=io.StringIO())
    return Study.objects.get(slug=SLUG)


def signed_in(new_page: NewPage, user: Any, address: str, scheme: str = "light") -> Page:
    client = Client()
    client.force_login(user)
    page = new_page(color_scheme=scheme)
    page.context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": address}]
    )
    return page


def test_the_statistics_come_to_a_page_that_is_already_open(
    live_server: Any, new_page: NewPage, admin_user: Any, replay: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[Any]] = []
    monkeypatch.setattr("survey_site.celery.app.send_task", lambda name, args, queue: asked.append(args))
    page = signed_in(new_page, admin_user, live_server.url)
    page.goto(f"{live_server.url}/reports/{SLUG}/")
    faith = page.locator('tr[data-measure="faith"] td')
    expect(faith).to_have_text(["48", "96", "92", "92", "80", "76"])
    expect(page.locator("#statistics")).to_contain_text("being computed")
    # The page says so before it has asked; the label comes with the answer to its question.
    expect(page.locator("#statistics")).to_contain_text("waiting for a worker")
    expect(page.locator("#table1")).not_to_contain_text("25.2")
    tasks.analyse(*asked[0])
    expect(page.locator("#comparisons")).to_be_visible()
    expect(page.locator("#table1")).to_contain_text("25.2–71.6")
    expect(page.locator("#table1")).to_have_count(1)
    expect(faith).to_have_text(["48", "96", "92", "92", "80", "76"])
    assert len(asked) == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_report_has_no_violation_by_axe(
    live_server: Any, new_page: NewPage, admin_user: Any, replay: Study, scheme: str
) -> None:
    from survey_site.reports.analysis import analyse
    from survey_site.reports.population import Population

    key = cached_report.data_version(replay.protocols.get(), Population())
    cached_report.store_report(key, analyse(replay).report | {"figures": []})
    page = signed_in(new_page, admin_user, live_server.url, scheme)
    page.goto(f"{live_server.url}/reports/{SLUG}/")
    expect(page.locator("#multiverse")).to_be_visible()
    found = Axe().run(page, context=".report", options=WCAG)
    assert found.violations_count == 0, found.generate_report()
