"""A real Chromium against a live server. Nothing outside this machine is contacted."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.browser import fronted
from tests.servers import BROWSERS
from tests.servers import browser as browser_path

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]
DESKTOP, PHONE = (1280, 720), (360, 640)

NewPage = Callable[..., Page]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser" in str(item.fspath):
            item.add_marker(pytest.mark.browser)


Launch = Callable[..., Browser]


@pytest.fixture(scope="session")
def launch() -> Iterator[Launch]:
    """Starts a Chromium, with further flags; each is closed at the end of the session at the latest."""
    path = browser_path()
    if path is None:
        pytest.skip(f"no Chromium on PATH (looked for {', '.join(BROWSERS)}); install the system's chromium")
    with sync_playwright() as playwright:
        started: list[Browser] = []

        def start(*flags: str) -> Browser:
            started.append(playwright.chromium.launch(executable_path=path, args=[*FLAGS, *flags]))
            return started[-1]

        yield start
        for browser in started:
            browser.close()


@pytest.fixture(scope="session")
def chromium(launch: Launch) -> Browser:
    return launch()


def is_fault(message: ConsoleMessage) -> bool:
    """Errors of scripts and policy; a refusal with its own page and a lost network are told apart by the tests."""
    return message.type == "error" and "Failed to load resource" not in message.text


def serving() -> set[threading.Thread]:
    """The threads of socketserver in which connections to a live server are handled now, or are about to be."""
    return {thread for thread in threading.enumerate() if "(process_request_thread)" in thread.name}


def await_end(before: set[threading.Thread], seconds: float = 20) -> None:
    """A request still at work when its page closes would write while the next test's database is emptied."""
    latest = time.monotonic() + seconds
    while (at_work := serving() - before) and time.monotonic() < latest:
        for thread in at_work:
            with suppress(RuntimeError):  # one that is only about to begin cannot be joined
                thread.join(timeout=1)


@pytest.fixture(scope="session")
def fronts() -> Iterator[fronted.Fronts]:
    with ExitStack() as ending:
        yield fronted.Fronts(ending)


@pytest.fixture(name="live_server")
def _through_the_front_server(
    request: pytest.FixtureRequest, live_server: Any, settings: Any, fronts: fronted.Fronts
) -> Any:
    """The tests' site, behind nginx where `make test-front` asks for it."""
    if not fronted.wanted():
        return live_server
    front, folder = fronts.before(live_server)
    settings.X_ACCEL_PREFIX, settings.FILE_UPLOAD_PERMISSIONS = fronted.PREFIX, 0o644
    if "media" in request.fixturenames:
        fronted.show(request.getfixturevalue("media"), folder)
    return front


@pytest.fixture
def new_page(chromium: Browser, fronts: fronted.Fronts) -> Iterator[NewPage]:
    """Opens pages by viewport, scheme, script on or off; a console error or refused resource fails the test."""
    before = serving()
    contexts = []
    complaints: list[str] = []

    def open_page(size: tuple[int, int] = DESKTOP, *, strict: bool = True, **options: Any) -> Page:
        context = chromium.new_context(
            viewport={"width": size[0], "height": size[1]},
            java_script_enabled=options.pop("javascript", True),
            locale=options.pop("locale", "en"),
            **options,
        )
        context.set_default_timeout(20_000)
        contexts.append(context)
        page = context.new_page()
        if strict:
            page.on("console", lambda message: complaints.append(message.text) if is_fault(message) else None)
            page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield open_page
    for context in contexts:
        # A route's handler that is still at work would fail in the middle of the next test.
        for page in context.pages:
            page.unroute_all(behavior="ignoreErrors")
        context.close()
    fronts.let_go()
    await_end(before)
    assert not complaints


@pytest.fixture
def page(new_page: NewPage) -> Page:
    return new_page()
