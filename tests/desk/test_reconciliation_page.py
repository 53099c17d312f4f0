"""Recruitment in the admin: codes are checked before anybody is paid by them; links are shown."""

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from survey_site.recruitment.arrivals import start_link
from survey_site.recruitment.models import Recruitment
from tests import factories


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"provider": "prolific"}, {"completed_code"}),
        ({"provider": "sona"}, {"sona_host", "sona_experiment_id", "sona_credit_token"}),
        ({"provider": "link", "sona_host": "https://x.sona-systems.com/"}, {"sona_host"}),
        ({"provider": "link"}, set()),
        ({"provider": "prolific", "completed_code": "C1"}, set()),
    ],
)
def test_settings_that_could_not_pay_are_refused(fields: dict[str, str], wrong: set[str]) -> None:
    try:
        Recruitment(**fields).clean()
        found: set[str] = set()
    except ValidationError as error:
        found = set(error.message_dict)
    assert found == wrong


def test_the_links_carry_the_providers_placeholders() -> None:
    assert start_link("prolific", "/s/a/") == (
        "/s/a/?PROLIFIC_PID={{%PROLIFIC_PID%}}&STUDY_ID={{%STUDY_ID%}}&SESSION_ID={{%SESSION_ID%}}"
    )
    assert start_link("sona", "/s/a/") == "/s/a/?sona_id=%SURVEY_CODE%"
    assert start_link("link", "/s/a/") == "/s/a/"


@pytest.mark.django_db
@pytest.mark.usefixtures("media")
def test_the_page_shows_codes_and_links(admin_client: Client) -> None:
    study = factories.live()
    Recruitment.objects.create(study=study, provider="prolific", completed_code="C1A2")
    page = admin_client.get(f"/admin/studies/study/{study.pk}/recruitment/").content.decode()
    assert 'value="C1A2"' in page
    assert "PROLIFIC_PID={{%PROLIFIC_PID%}}" in page
    assert "/recruitment/test/" in page
