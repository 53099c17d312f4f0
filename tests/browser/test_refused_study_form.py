"""Forms of a study that were refused: tabs stay in sight, and what is wrong is said beside its field, files still chosen."""

from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from survey_site.studies.models import Study
from tests import factories
from tests.browser.conftest import NewPage
from tests.browser.test_every_desk_page import DESKTOP, TABLET, signed_in
from tests.stimuli.pictures import encoded

pytestmark = [pytest.mark.looks, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("media")]


@pytest.mark.parametrize("size", [DESKTOP, TABLET], ids=lambda size: f"{size[0]}px")
def test_the_tabs_stay_in_sight_after_a_mistake(
    live_server: Any, admin_user: Any, new_page: NewPage, size: tuple[int, int]
) -> None:
    study = factories.draft(owner=admin_user)
    page = signed_in(new_page(size), admin_user, live_server.url)
    page.goto(live_server.url + reverse("admin:studies_study_change", args=[study.pk]))
    tabs = page.locator("#tabs-items > a")
    before = tabs.count()
    assert before
    page.evaluate("document.querySelectorAll('form').forEach((form) => (form.noValidate = true))")
    page.locator("[name=title]").fill("")
    page.locator("[name=target_participants]").evaluate("(field) => (field.value = '0')")
    page.locator("[name=conditions-0-column]").evaluate("(field) => (field.value = '')")
    page.locator("[name=_save]").first.click()
    expect(page.get_by_text("Please correct the errors below.")).to_be_visible()
    expect(tabs).to_have_count(before)
    expect(page.locator("#tabs-dropdown > *")).to_have_count(0)


def test_a_refusal_while_files_are_sent_is_said_beside_its_field(
    live_server: Any, admin_user: Any, new_page: NewPage, tmp_path: Path
) -> None:
    factories.draft("taken", owner=admin_user)
    picture, file = tmp_path / "owl.png", tmp_path / "study.yaml"
    picture.write_bytes(encoded(1))
    file.write_text("saliency_survey_study: 1\nstudy: {title: A, slug: taken}\n", "utf-8")
    page = signed_in(new_page(DESKTOP), admin_user, live_server.url)

    page.goto(live_server.url + reverse("admin:studies_study_add"))
    page.locator("[name=title]").fill("Owls")
    page.locator("[name=pictures]").set_input_files(picture)
    page.locator("main summary").first.click()
    page.locator("[name=slug]").fill("taken")
    page.locator("main summary").first.click()
    page.get_by_role("button", name="Create the study").click()
    beside = page.locator(".survey-field", has=page.locator("[name=slug]"))
    expect(beside.get_by_text("There is a study of this short name")).to_be_visible()
    page.locator("[name=slug]").fill("")
    page.get_by_role("button", name="Create the study").click()
    expect(page.get_by_text("The study is made, with 1 image.")).to_be_visible()
    assert Study.objects.get(slug="owls").stimuli.count() == 1

    page.goto(live_server.url + reverse("admin:study_from_file"))
    page.locator("[name=file]").set_input_files(file)
    page.get_by_role("button", name="Make the study").click()
    beside = page.locator(".survey-field", has=page.locator("[name=file]"))
    expect(beside.get_by_text("study.slug: there is a study of the short name 'taken'")).to_be_visible()
    page.locator("[name=slug]").fill("another")
    page.get_by_role("button", name="Make the study").click()
    page.wait_for_url("**/images/")
    assert Study.objects.get(slug="another").title == "A"
