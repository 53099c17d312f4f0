"""The list of the desk's pages is complete: every address of the site is in it or answers with no page."""

import pytest
from django.contrib import admin
from django.test import Client

from survey_site.studies.models import Study
from tests.desk import crowd
from tests.desk.pages import addresses, pages

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
MADE_LATER = {
    "report_html", "figure_svg", "figure_pdf", "file_xlsx", "file_spss", "file_stata", "paper",
    "contrasts_csv", "contrasts_tex",
}  # fmt: skip  # 404 until the worker has made them


@pytest.fixture
def study(admin_user: object) -> Study:
    return crowd.study_with_everything("desk", admin_user)


def test_every_address_of_the_desk_answers(admin_client: Client, study: Study) -> None:
    without_a_row = [a.name for a in addresses(study) if a.path is None]
    assert not without_a_row, "tests/desk/crowd.py makes no row for these addresses"
    answers = {a.name: admin_client.get(a.path).status_code for a in addresses(study) if a.path}
    # 403: what nobody may do by hand, such as adding a map; 405: addresses that take posts only.
    strange = {name for name, status in answers.items() if status not in (200, 302, 403, 405)}
    assert strange <= MADE_LATER


def test_every_list_and_every_form_is_among_the_pages(admin_client: Client, study: Study) -> None:
    found = pages(study, admin_client)
    for model in admin.site._registry:
        for kind in ("changelist", "change"):
            assert f"{model._meta.app_label}_{model._meta.model_name}_{kind}" in found
    assert set(found) >= {"index", "report", "api-docs", "reconciliation", "study_monitor", "study_check"}
