"""Steps through a study in the browser."""

import re
from collections.abc import Iterator

from playwright.sync_api import Locator, Page, expect

from survey_site.trials.models import Participant

ON = "form button[type=submit]:not(.unscripted)"
READY = "form.trial:not(.waiting) fieldset:not(:disabled)"


def start(page: Page, url: str, slug: str = "test", query: str = "") -> str:
    """Consents; returns the address of the participant's own page."""
    page.goto(f"{url}/s/{slug}/{query}")
    page.get_by_role("checkbox").check()
    page.locator("button.primary").click()
    page.wait_for_url(re.compile("/p/"))
    return page.url


def ready(page: Page) -> Locator:
    """The trial form, once its pictures are painted."""
    page.locator(READY).wait_for()
    return page.locator("form.trial")


def position(page: Page) -> int:
    return int(page.locator("form.trial").get_attribute("data-position") or -1)


def answer(page: Page, choice: int = 0) -> None:
    """Chooses one of each question by mouse and confirms; returns when something else is shown."""
    form = ready(page)
    before = form.locator("[name=trial]").input_value()
    names = form.locator("input[type=radio]").evaluate_all("all => [...new Set(all.map((one) => one.name))]")
    for name in names:
        form.locator(f'input[type=radio][name="{name}"]').nth(choice).check()
    form.locator("button.primary").click()
    expect(page.locator(f'[name=trial][value="{before}"]')).to_have_count(0)


def to_block(page: Page, task: str = "matching") -> None:
    """Goes on to the first counted trial of a task."""
    for _ in range(100):
        form = page.locator(f'form.trial[data-task="{task}"]:not(.feedback)')
        if form.count() and page.locator("header.progress progress").count():
            ready(page)
            return
        advance(page)
    raise AssertionError("no such trial")


def advance(page: Page) -> None:
    """Past the page or trial shown now."""
    if page.locator("input[name=trial]").count():
        answer(page)
    else:
        with page.expect_navigation():
            page.locator(ON).click()


def shown(page: Page) -> None:
    """Waits until a page of the study is there: between two of them there is neither a form nor the end."""
    page.locator("input[name=trial], form button[type=submit], .receipt").first.wait_for(state="attached")


def to_end(page: Page) -> None:
    for _ in range(300):
        shown(page)
        if not page.locator("form button[type=submit]:not(.unscripted)").count():
            return
        advance(page)
    raise AssertionError("no end")


def pages(page: Page, url: str) -> Iterator[str]:
    """Every kind of page once, in order, by name."""
    page.goto(url)
    seen: set[str] = set()
    for _ in range(300):
        if page.locator("input[name=trial]").count():
            task = ready(page).get_attribute("data-task") or ""
            name = f"practice-{task}" if not page.locator("progress").count() else task
        elif page.locator("input[name=page]").count():
            name = page.locator("input[name=page]").input_value().partition("-")[0]
            if name == "feedback":
                name += f"-{page.locator('form.feedback').get_attribute('data-task')}"
        else:
            name = "done"
        if name not in seen:
            seen.add(name)
            yield name
        if name == "done":
            return
        advance(page)


def participant(page: Page) -> Participant:
    return Participant.objects.get(token=page.url.split("/p/")[1].strip("/"))
