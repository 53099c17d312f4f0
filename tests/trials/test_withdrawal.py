"""Withdrawal by receipt erases the values and leaves an empty row."""

import pytest
from django.test import Client

from survey_site.trials.models import Exposure, ExternalId, Participant, Response, Ticket, Trial
from tests import factories
from tests.trials.player import begin, play

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


def test_the_receipt_erases_the_answers_and_keeps_an_empty_row(client: Client) -> None:
    factories.live()
    address = begin(client, "test", "?PROLIFIC_PID=abc")
    play(client, address)
    receipt = Participant.objects.get().receipt
    assert f"/w/{receipt}/" in client.get(address).content.decode()
    assert client.get(f"/w/{receipt}/").status_code == 200
    assert Response.objects.exists()
    assert client.post(f"/w/{receipt}/").status_code == 200
    assert not Response.objects.exists() and not Trial.objects.exists() and not Exposure.objects.exists()
    row = Participant.objects.get()
    assert (row.state, row.demographics, row.user_agent_family, row.excluded) == ("withdrawn", {}, "", True)
    assert "abc" not in ExternalId.objects.get().value
    assert Ticket.objects.get().state == Ticket.State.RELEASED
    gone = client.get(address)
    assert gone.status_code == 410
    assert '<html lang="en"' in gone.content.decode()
    assert client.post(address, {"trial": "0-x", "choice": "0"}).status_code == 410


def test_who_withdrew_does_not_start_again_under_the_same_external_id(client: Client) -> None:
    factories.live()
    address = begin(client, "test", "?PROLIFIC_PID=abc")
    client.post(f"/w/{Participant.objects.get().receipt}/")
    assert begin(client, "test", "?PROLIFIC_PID=abc") == address
    assert Participant.objects.count() == 1


def test_withdrawing_twice_changes_nothing_more(client: Client) -> None:
    factories.live()
    begin(client, "test")
    receipt = Participant.objects.get().receipt
    client.post(f"/w/{receipt}/")
    begin(client, "test")
    client.post(f"/w/{receipt}/")
    assert Ticket.objects.get().state == Ticket.State.LEASED
    assert client.post("/w/unknown/").status_code == 404
