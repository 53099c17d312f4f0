"""“Stop and withdraw”: from every page before the last answer, with the debrief; afterwards it takes the receipt."""

import pytest
from django.test import Client

from survey_site.recruitment.models import Recruitment
from survey_site.trials.models import Participant, Response
from tests import factories
from tests.trials.player import Form, begin, fill, play, step, until_trial

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
ABOUT = "What this was about"


def test_looking_at_the_page_erases_nothing_and_stopping_erases_all(client: Client) -> None:
    factories.live()
    address = begin(client, "test")
    client.post(address, fill(until_trial(client, address)))
    assert "Stop and withdraw?" in client.get(f"{address}stop/").content.decode()
    assert Response.objects.exists()
    gone = client.post(f"{address}stop/")
    assert gone.status_code == 200 and ABOUT in gone.content.decode()
    assert not Response.objects.exists()
    assert Participant.objects.get().state == "withdrawn"
    assert ABOUT in client.get(f"{address}stop/").content.decode()


def test_the_personal_link_alone_erases_nothing_once_all_is_given(client: Client) -> None:
    factories.live()
    address = begin(client, "test")
    play(client, address)
    assert client.post(f"{address}stop/").status_code == 403
    assert "your receipt" in client.get(f"{address}stop/").content.decode()
    assert Participant.objects.get().state == "finished" and Response.objects.exists()


def test_each_page_links_to_it(client: Client) -> None:
    factories.live()
    address = begin(client, "test")
    for _ in range(60):
        html = client.get(address).content.decode()
        assert f'href="{address}stop/"' in html
        if not Form(html).forms:
            break
        step(client, address)
    refused = client.post(address, {"page": "nonsense"})
    assert f'href="{address}stop/"' in refused.content.decode()


def test_who_leaves_early_is_told_to_return_the_submission_and_who_finished_keeps_the_code(
    client: Client,
) -> None:
    study = factories.live()
    Recruitment.objects.create(study=study, provider="prolific", completed_code="SECRET77")
    early = begin(client, "test", "?PROLIFIC_PID=" + "a" * 24)
    html = client.post(f"{early}stop/").content.decode()
    assert "return your submission at Prolific" in html and "SECRET77" not in html
    late = begin(Client(), "test", "?PROLIFIC_PID=" + "b" * 24)
    play(client, late)
    receipt = Participant.objects.get(state="finished").receipt
    html = client.post(f"/w/{receipt}/").content.decode()
    assert "SECRET77" in html and ABOUT in html


def test_an_unknown_link_is_not_found(client: Client) -> None:
    assert client.get("/p/unknown/stop/").status_code == 404
    assert client.post("/p/unknown/stop/").status_code == 404
