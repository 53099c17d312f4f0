"""A study inside another site's page: where the study names the site, without any cookie; then back with what came."""

import http.server
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from survey_site.recruitment.models import Recruitment
from survey_site.trials.models import Participant
from tests import factories
from tests.browser import walking
from tests.browser.conftest import NewPage

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("media")]


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def other_site(tmp_path: Path) -> Iterator[Any]:
    """A site of another origin and, to a browser, another site: 127.0.0.1 beside localhost. Gives (address, folder)."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", tmp_path
    server.shutdown()
    server.server_close()


@pytest.fixture
def page(new_page: NewPage) -> Page:
    return new_page(strict=False)  # browsers complain of the focus that a framed page may not take


@pytest.fixture
def recruitment(other_site: tuple[str, Path]) -> Recruitment:
    study = factories.live(practice_trials=0, methods=factories.METHODS[:2])
    back = other_site[0] + "/back.html?id={ResponseID}&what={outcome}&code={code}&who={participant}"
    return Recruitment.objects.create(
        study=study,
        completed_code="C7",
        return_url=back,
        frame_origins=other_site[0] + " https://*.qualtrics.com",
    )


def embedded(page: Page, url: str, other_site: tuple[str, Path]) -> FrameLocator:
    address, folder = other_site
    (folder / "back.html").write_text("<h1>back</h1>")
    source = f"{url}/s/test/?ResponseID=R_1%26x"
    (folder / "survey.html").write_text(f'<iframe src="{source}" width="900" height="700"></iframe>')
    page.goto(f"{address}/survey.html")
    return page.frame_locator("iframe")


def walk(page: Page, frame: FrameLocator) -> None:
    frame.get_by_role("checkbox").check()
    for _ in range(60):
        if frame.locator(".receipt").count():
            return
        if frame.locator("input[name=trial]").count():
            form = frame.locator(walking.READY).locator("xpath=ancestor::form")
            before = form.locator("[name=trial]").input_value()
            form.locator("input[type=radio]").first.check()
            form.locator("button.primary").click()
            expect(frame.locator(f'[name=trial][value="{before}"]')).to_have_count(0)
        else:
            with page.expect_event("framenavigated"):
                frame.locator(walking.ON).click()
        frame.locator(f"input[name=trial], {walking.ON}, .receipt").first.wait_for(state="attached")
    raise AssertionError("no end")


def test_a_study_runs_in_a_frame_and_leads_back_with_what_came_along(
    page: Page, live_server: Any, other_site: tuple[str, Path], recruitment: Recruitment
) -> None:
    frame = embedded(page, live_server.url, other_site)
    walk(page, frame)
    person = Participant.objects.get()
    assert (person.state, person.link_parameters, person.client["framed"]) == (
        "finished",
        {"ResponseID": "R_1&x"},
        1,
    )
    assert {response.client["framed"] for response in person.responses.all()} == {1}
    frame.get_by_role("link", name="Return to the service").click()
    page.wait_for_url("**/back.html?*")  # of the whole window, not inside the frame
    sent = parse_qs(urlsplit(page.url).query)
    assert sent == {"id": ["R_1&x"], "what": ["completed"], "code": ["C7"], "who": [person.code]}


def test_it_needs_no_cookie(
    page: Page, live_server: Any, other_site: tuple[str, Path], recruitment: Recruitment
) -> None:
    page.route("**/*", lambda route: route.continue_(headers=without_cookies(route.request.headers)))
    frame = embedded(page, live_server.url, other_site)
    walk(page, frame)
    person = Participant.objects.get()
    assert person.state == "finished"
    frame.get_by_role("button", name="Show my receipt").click()
    expect(frame.get_by_role("link", name=f"/w/{person.receipt}/")).to_be_visible()


def without_cookies(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() != "cookie"}


def test_no_other_site_shows_it(
    page: Page, live_server: Any, other_site: tuple[str, Path], recruitment: Recruitment
) -> None:
    recruitment.frame_origins = "https://*.qualtrics.com"
    recruitment.save()
    frame = embedded(page, live_server.url, other_site)
    page.wait_for_load_state("load")
    expect(frame.get_by_role("checkbox")).to_have_count(0)


def test_over_https_cookies_are_those_of_a_frame(
    page: Page, live_server: Any, other_site: tuple[str, Path], recruitment: Recruitment, settings: Any
) -> None:
    settings.BEHIND_HTTPS = True
    walk(page, embedded(page, live_server.url, other_site))
    kept = {cookie["name"]: cookie for cookie in page.context.cookies(live_server.url + "/s/test/")}
    assert set(kept) == {"csrftoken", "begun-test"}
    for cookie in kept.values():
        assert (cookie["sameSite"], cookie["secure"]) == ("None", True)
        assert cookie.get("partitionKey")
