"""The page of a trial whatever the task: maps fit one screen where the floor lets them, keys follow the choices."""

import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.template import Template
from django.template.loader import render_to_string
from playwright.sync_api import Page, expect

from survey_site import trials
from survey_site.trials.measurements import FLOOR_PX
from tests.browser.conftest import DESKTOP, PHONE, NewPage

STATIC = Path(trials.__file__).parent / "static" / "trials"
PICTURE = "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' width='64' height='64'/>"
TWO_CHOICES = """\
<p class="instruction">a word that the network gave</p>
<div class="points">
  <label class="point"><input type="radio" name="better" value="0" required data-digit="1"><span>1</span></label>
  <label class="point"><input type="radio" name="better" value="1" required data-digit="2"><span>2</span></label>
</div>
"""
POOL = """\
<div class="pool">
  {% for option in trial.options %}
    <label class="option">
      <input type="radio" name="pick" value="{{ forloop.counter0 }}" required>
      <span class="option__picture"><img src="{{ option }}" alt="{{ forloop.counter }}" data-role="option"></span>
    </label>
  {% endfor %}
</div>
"""


def trial(answer: str, maps: int, options: int = 0) -> dict[str, Any]:
    """The context of a trial of a task that is only a form."""
    return {
        "task": "anything",
        "position": 0,
        "number": 1,
        "total": 2,
        "image_px": 64,
        "maps": [f"{PICTURE}#{number}" for number in range(maps)],
        "options": [PICTURE] * options,
        "question": "Which map explains this word better?",
        "templates": {"pictures": "", "answer": Template(answer)},
    }


def show(page: Page, answer: str, maps: int, options: int = 0) -> None:
    form = render_to_string("trials/_trial.html", {"trial": trial(answer, maps, options)})
    head = '<!doctype html><html lang="en" class="scripted"><title>t</title><body class="page page--trial">'
    page.set_content(f'{head}<main><h1 class="visually-hidden">t</h1>{form}</main>')
    page.add_style_tag(path=STATIC / "survey.css")
    page.locator("form").evaluate(
        "form => form.classList.add('known')"
    )  # as trial.js says that it has it in hand


@pytest.mark.parametrize(
    ("maps", "options", "size"), [*product((2, 3), (0, 4), (DESKTOP, PHONE)), (4, 0, DESKTOP), (1, 0, PHONE)]
)
def test_several_maps_have_one_size_and_the_page_scrolls_only_where_they_are_at_the_floor(
    new_page: NewPage, maps: int, options: int, size: tuple[int, int]
) -> None:
    page = new_page(size)
    show(page, POOL if options else TWO_CHOICES, maps, options)
    images = page.locator('img[data-role="map"]').all()
    boxes = [box for image in images if (box := image.bounding_box())]
    assert len(boxes) == maps
    assert len({(box["width"], box["height"]) for box in boxes}) == 1
    assert boxes[0]["width"] == boxes[0]["height"] >= FLOOR_PX
    smallest = min(box["width"] for image in page.locator("img").all() if (box := image.bounding_box()))
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight") or smallest == FLOOR_PX
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    names = [image.get_attribute("alt") for image in images]
    assert names == (["Heat map"] if maps == 1 else [f"Heat map {number + 1}" for number in range(maps)])
    assert not Axe().run(page).response["violations"]


def test_a_digit_chooses_what_says_that_it_does(page: Page) -> None:
    show(page, TWO_CHOICES, maps=2)
    page.add_script_tag(path=STATIC / "keys.js")
    page.evaluate(
        "document.addEventListener('keydown', (event) => survey.handleKey(event, document.querySelector('form')))"
    )
    page.locator("legend").evaluate("legend => { legend.tabIndex = -1; legend.focus() }")
    for key, value in (("1", "0"), ("2", "1"), ("0", "1"), ("9", "1"), ("1", "0")):
        page.keyboard.press(key)
        expect(page.locator("input:checked")).to_have_value(value)


def test_arrows_do_nothing_where_there_is_nothing_to_choose(page: Page) -> None:
    show(page, '<input type="text" name="why" aria-label="why">', maps=1)
    page.add_script_tag(path=STATIC / "keys.js")
    page.evaluate(
        "document.addEventListener('keydown', (event) => survey.handleKey(event, document.querySelector('form')))"
    )
    page.keyboard.press("ArrowRight")  # an error of the script fails the test


@pytest.mark.parametrize("options", [0, 4])
def test_the_size_of_an_option_is_measured_where_there_is_one(page: Page, options: int) -> None:
    show(page, POOL if options else TWO_CHOICES, 2, options)
    page.add_script_tag(path=STATIC / "signs.js")
    page.add_script_tag(path=STATIC / "measure.js")
    page.evaluate("new survey.Measure(document.querySelector('form')).finish(0)")
    client = json.loads(page.locator("[name=client]").input_value())
    assert client["map_w"] == client["map_h"] >= client["smallest_px"] >= FLOOR_PX
    assert ("option_w" in client, "option_h" in client) == (options > 0, options > 0)
