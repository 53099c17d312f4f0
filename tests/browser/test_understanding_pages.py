"""The pages of the tasks that ask what people understand: every size, scheme and direction, by keyboard, and one screen."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from survey_site.protocols import freeze
from survey_site.studies.models import Study
from survey_site.tasks import registry
from survey_site.trials.models import Participant, Response
from tests import factories
from tests.browser import pictured, walking
from tests.browser.conftest import DESKTOP, PHONE, NewPage
from tests.browser.test_every_page import Shots
from tests.tasks import studies

TASKS = ("preference", "distinction", "agreement")
pytestmark = [pytest.mark.looks, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("media")]


@pytest.fixture
def study() -> Study:
    photographs = pictured.photographs()

    def painter(seed: int, method: str) -> bytes:
        photograph = photographs[seed % len(photographs)]
        if method == "original":
            return photograph
        return pictured.heat_map(photograph, 100 * seed + len(method), outlines="." in method)

    own = factories.draft(
        images=12,
        reserve=8,
        painter=painter,
        attention_checks=3,
        **{"matching_trials_per_column": 0, "rating_trials_per_column": 0},
        **{f"{task}_trials_per_column": 2 for task in TASKS},
    )
    studies.predict(own)
    for number, stimulus in enumerate(own.stimuli.all()):
        for method in factories.METHODS:
            for rank in studies.RANKS:
                picture = pictured.heat_map(
                    photographs[number % len(photographs)],
                    5000 + 100 * number + 10 * rank + len(method),
                    outlines="." in method,
                )
                factories.add_map(stimulus, method, picture, rank=rank)
    freeze.go_live(own)
    return own


@pytest.mark.parametrize(
    ("size", "scheme", "language"),
    [
        (DESKTOP, "light", "en"),
        (DESKTOP, "dark", "ar"),
        (PHONE, "dark", "en"),
        (PHONE, "light", "ar"),
        (PHONE, "light", "fr"),
    ],
)
def test_every_page_is_accessible(
    study: Study, live_server: Any, new_page: NewPage, size: tuple[int, int], scheme: str, language: str
) -> None:
    page = new_page(size, color_scheme=scheme, locale=language)
    shot = Shots(page, f"understanding-{size[0]}x{size[1]}-{scheme}-{language}")
    seen = []
    for name in walking.pages(page, walking.start(page, live_server.url)):
        shot(name)
        seen.append(name)
    assert set(seen) >= {f"{part}{task}" for task in TASKS for part in ("", "practice-", "feedback-")}


def test_they_are_answered_by_keyboard_alone(study: Study, live_server: Any, page: Page) -> None:
    walking.start(page, live_server.url)
    keys = {"preference": ["2"], "distinction": ["3", "8"], "agreement": ["4"]}
    for _ in range(100):
        walking.shown(page)
        if not page.locator("input[name=trial]").count():
            if not page.locator(walking.ON).count():
                break
            walking.advance(page)
            continue
        form = walking.ready(page)
        before = form.locator("[name=trial]").input_value()
        form.locator("input[type=radio]").first.focus()
        for key in keys[form.get_attribute("data-task") or ""]:
            page.keyboard.press(key)
        page.keyboard.press("Enter")
        expect(page.locator(f'[name=trial][value="{before}"]')).to_have_count(0)
    assert Participant.objects.get().state == "finished"
    chosen = {"preference": ("preferred", 1), "distinction": ("picked", 2), "agreement": ("sure", 4)}
    for task, (key, value) in chosen.items():
        given = Response.objects.filter(task=task)
        assert given.count() > 2 and {row.answer[key] for row in given} == {value}
    assert {row.answer["confidence"] for row in Response.objects.filter(task="distinction")} == {4}
    assert {task.name for task in registry.installed()} >= set(TASKS)
