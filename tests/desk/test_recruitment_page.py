"""The recruitment's page: an assistant saves it, an analyst sees no code of it."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from survey_site.recruitment.models import Recruitment
from survey_site.studies.models import Study
from tests.reports.factory import survey
from tests.studies.test_access import PEOPLE, person

pytestmark = pytest.mark.django_db
MAY = {"owner", "editor", "assistant"}
FORM: dict[str, Any] = {
    "provider": "prolific", "quota": "40", "allow_phones": "on", "completed_code": "DONE-77", "screened_out_code": "",
    "failed_attention_code": "", "sona_host": "", "sona_experiment_id": "", "sona_credit_token": "",
}  # fmt: skip
SECRETS = ("top-secret-credit", "secret-done", "secret-out", "secret-failed")


@pytest.fixture
def study() -> Study:
    study = survey("mine").study
    Recruitment.objects.create(
        study=study,
        provider="sona",
        sona_host="school.sona-systems.com",
        sona_experiment_id="7",
        sona_credit_token=SECRETS[0],
        completed_code=SECRETS[1],
        screened_out_code=SECRETS[2],
        failed_attention_code=SECRETS[3],
    )
    return study


def address(study: Study) -> str:
    return reverse("admin:study_recruitment", args=[study.pk])


@pytest.mark.parametrize("who", PEOPLE)
def test_who_recruits_saves_and_nobody_else_does(client: Client, study: Study, who: str) -> None:
    client.force_login(person(who, study))
    response = client.post(address(study), FORM)
    found = Recruitment.objects.get()
    if who in MAY:
        assert response["Location"] == address(study)
        assert (found.provider, found.quota, found.completed_code) == ("prolific", 40, "DONE-77")
        entry = study.audit.get(verb="recruitment saved")
        assert "completed_code (not shown)" in entry.detail
        assert "DONE-77" not in entry.detail
    else:
        assert response.status_code in (302, 404)
        assert found.provider == "sona"


@pytest.mark.parametrize("who", PEOPLE)
def test_codes_and_tokens_are_shown_to_who_recruits_only(client: Client, study: Study, who: str) -> None:
    client.force_login(person(who, study))
    page = client.get(address(study))
    form = client.get(reverse("admin:studies_study_change", args=[study.pk])).content.decode()
    assert not any(secret in form for secret in SECRETS)
    shown = [secret in page.content.decode() for secret in SECRETS]
    assert shown == [who in MAY] * 4


@pytest.mark.parametrize("name", ["api-study", "api-studies", "api-recruitment"])
def test_the_api_tells_no_code(client: Client, study: Study, name: str) -> None:
    client.force_login(person("owner", study))
    response = client.get(reverse(name, args=[] if name == "api-studies" else ["mine"]))
    assert response.status_code == 200
    assert not any(secret in response.content.decode() for secret in SECRETS)


def test_a_first_recruitment_is_made_by_saving(client: Client) -> None:
    study = survey("new").study
    client.force_login(person("assistant", study))
    assert client.get(address(study)).status_code == 200
    assert not Recruitment.objects.exists()
    client.post(address(study), FORM)
    assert Recruitment.objects.get().study == study
    page = client.get(address(study)).content.decode()
    assert "PROLIFIC_PID={{%PROLIFIC_PID%}}" in page.replace("&amp;", "&").replace("&#x27;", "'")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"completed_code": ""}, "needs this to grant the reward"),
        ({"provider": "sona"}, "needs this to grant the reward"),
        ({"sona_host": "https://school.sona-systems.com"}, "Write the host alone"),
        ({"quota": "-1"}, "greater than or equal to 0"),
    ],
)
def test_what_could_not_pay_is_refused_in_words(
    client: Client, study: Study, change: dict[str, str], says: str
) -> None:
    client.force_login(person("assistant", study))
    response = client.post(address(study), FORM | change)
    assert response.status_code == 422
    assert says in response.content.decode()
    assert Recruitment.objects.get().completed_code == SECRETS[1]


def test_each_role_gets_the_buttons_of_pages_that_open(client: Client, study: Study) -> None:
    expected = {
        "assistant": {"monitor", "recruitment", "notifications"},
        "analyst": {"monitor", "report", "notifications"},
        "editor": {"monitor", "report", "recruitment", "notifications"},
    }
    steps = {"images", "conditions", "precompute", "texts", "check", "live"}  # in the form itself
    for who, wanted in expected.items():
        client.force_login(person(who, study))
        response = client.get(reverse("admin:studies_study_change", args=[study.pk]))
        buttons = [
            item for button in response.context["actions_detail"] for item in button.get("items", [button])
        ]
        addresses = {
            name: reverse(f"admin:study_{name}", args=[study.pk])
            for name in expected["editor"] - {"report"} | steps
        }
        addresses["report"] = reverse("report", args=[study.slug])
        found = {name for name, address in addresses.items() if address in {b["path"] for b in buttons}}
        assert found == wanted, who
        html = response.content.decode()
        offered = {name for name in steps if f'href="{addresses[name]}"' in html}
        assert offered == (steps if who == "editor" else set()), who
        for button in buttons:
            assert client.get(button["path"]).status_code == 200, (who, button["path"])
            assert f'href="{button["path"]}"' in response.content.decode()
