"""Prolific and SONA: identifiers in, codes out; phones screened out; failed attention has its own code."""

from typing import Any

import pytest
from django.test import Client

from survey_site.recruitment.completion import way_out
from survey_site.recruitment.models import Recruitment
from survey_site.trials.models import Participant, Ticket
from tests import factories
from tests.trials.player import begin, play

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1"
TABLET = "Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1"
PID = "5f0c9a1b2c3d4e5f60718293"
database = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


def recruitment(**fields: Any) -> Recruitment:
    codes = {"completed_code": "DONE", "screened_out_code": "OUT", "failed_attention_code": "FAIL"}
    return Recruitment(**{"provider": "prolific"} | codes | fields)


def test_prolific_has_a_code_for_each_outcome() -> None:
    found = [
        way_out(recruitment(), outcome, "x").url
        for outcome in ("completed", "screened_out", "failed_attention")
    ]
    assert found == [
        f"https://app.prolific.com/submissions/complete?cc={code}" for code in ("DONE", "OUT", "FAIL")
    ]


def test_sona_grants_credit_for_completion_only() -> None:
    sona = recruitment(
        provider="sona", sona_host="x.sona-systems.com", sona_experiment_id="7", sona_credit_token="t"
    )
    assert way_out(sona, "completed", "a&b").url == (
        "https://x.sona-systems.com/webstudy_credit.aspx?experiment_id=7&credit_token=t&survey_code=a%26b"
    )
    assert way_out(sona, "screened_out", "a").url == ""


def test_a_missing_code_gives_no_link_and_no_recruitment_no_code() -> None:
    assert way_out(recruitment(completed_code=""), "completed", "x").url == ""
    assert way_out(None, "completed", "x") == way_out(
        recruitment(completed_code="", provider="link"), "completed", "x"
    )


@pytest.mark.django_db
@pytest.mark.usefixtures("media")
def test_the_code_comes_only_after_the_last_answer(client: Client) -> None:
    study = factories.live()
    Recruitment.objects.create(study=study, provider="prolific", completed_code="SECRET77")
    address = begin(client, "test", f"?PROLIFIC_PID={PID}")
    for _ in range(60):
        html = client.get(address).content.decode()
        if "SECRET77" in html:
            break
        assert Participant.objects.get().state != "finished" or "debrief" in html
        from tests.trials.player import step

        step(client, address)
    assert Participant.objects.get().state == "finished"
    assert Participant.objects.get().responses.count() == Participant.objects.get().trials.count()


@pytest.mark.django_db
@pytest.mark.usefixtures("media")
def test_failed_checks_lead_to_their_own_code_by_the_declared_rule(client: Client) -> None:
    for slug, rules, code in (
        ("strict", {"failed_checks": 1}, "FAIL"),
        ("never", {"failed_checks": None}, "DONE"),
    ):
        study = factories.live(slug, attention_checks=2, reserve=6, exclusion_rules=rules)
        Recruitment.objects.create(
            study=study, provider="prolific", completed_code="DONE", failed_attention_code="FAIL"
        )
        address = begin(client, slug, f"?PROLIFIC_PID={PID}")
        expected = Participant.objects.get(study=study).trials.exclude(expected=None).get().expected
        wrong = "0" if expected != 0 else "1"
        play(client, address, lambda name, offered, wrong=wrong: wrong if name == "rating" else offered[-1])
        assert f"cc={code}" in client.get(address).content.decode()
        participant = Participant.objects.get(study=study)
        assert participant.excluded == (code == "FAIL")
        assert Ticket.objects.get(participant=participant).state == (
            "released" if code == "FAIL" else "completed"
        )


@pytest.mark.django_db
@pytest.mark.usefixtures("media")
def test_phones_are_screened_out_where_the_study_says_so(client: Client) -> None:
    study = factories.live()
    Recruitment.objects.create(study=study, provider="prolific", screened_out_code="OUT", allow_phones=False)
    for method in (client.get, client.post):
        response = method("/s/test/", {"PROLIFIC_PID": PID}, headers={"User-Agent": PHONE})
        assert response.status_code == 403
        assert "cc=OUT" in response.content.decode()
    assert client.get("/s/test/", {"PROLIFIC_PID": PID}, headers={"User-Agent": TABLET}).status_code == 200
    assert not Participant.objects.exists()
