"""By mouse: a study is copied, taken home as a file, and made of that file again."""

from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from survey_site.protocols.study_file import write
from survey_site.studies.models import Study
from tests import factories
from tests.browser.conftest import NewPage
from tests.browser.test_every_desk_page import DESKTOP, signed_in

pytestmark = [pytest.mark.looks, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("media")]


def test_a_study_is_copied_and_made_again_of_its_file(
    live_server: Any, admin_user: Any, new_page: NewPage, tmp_path: Path
) -> None:
    source = factories.live("first", owner=admin_user)
    page = signed_in(new_page(DESKTOP), admin_user, live_server.url)
    page.goto(live_server.url + reverse("admin:studies_study_change", args=[source.pk]))
    page.get_by_text("Settings").filter(visible=True).first.click()
    page.get_by_role("link", name="Copy").filter(visible=True).first.click()
    page.get_by_label("Title").fill("The second run")
    page.get_by_label("without people who took part in this study").check()
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_text("The copy is a draft.")).to_be_visible()
    expect(page).to_have_title("Texts · The second run")  # all else came along
    made = Study.objects.get(slug="the-second-run")
    assert list(made.recruitment.earlier_studies.all()) == [source]

    page.goto(live_server.url + reverse("admin:study_live", args=[source.pk]))
    page.get_by_role("link", name="copy the study").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="first.yaml").click()
    file = tmp_path / "first.yaml"
    download.value.save_as(file)
    text = file.read_text("utf-8")
    assert text == write.file_of(source)

    page.get_by_role("link", name="Study from a file").click()
    page.locator("[name=file]").set_input_files(file)
    page.get_by_label("Short name").fill("third")
    page.get_by_role("button", name="Make the study").click()
    expect(page.get_by_text("The study is made.")).to_be_visible()
    third = Study.objects.get(slug="third")
    assert write.file_of(third) == text.replace("slug: first\n", "slug: third\n")
