"""Withdrawal by receipt erases the values and leaves an empty row."""

import pytest
from django.core import signing
from django.test import Client

from survey_site.trials.models import Exposure, ExternalId, Participant, Response, Ticket, Trial
from tests import factories
from tests.trials.player import Form, begin, play, step

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


def test_the_receipt_erases_the_answers_and_keeps_an_empty_row(client: Client) -> None:
    factories.live()
    address = begin(client, "test", "?PROLIFIC_PID=abc")
    play(client, address)
    receipt = Participant.objects.get().receipt
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


def finish(client: Client, address: str) -> None:
    """Up to the answer that ends the study, its page not yet fetched."""
    while Form(client.get(address).content.decode()).hidden.get("page") != "debrief":
        assert step(client, address).status_code == 303
    assert step(client, address).status_code == 303


def test_the_receipt_is_shown_once_to_the_browser_that_finished(client: Client) -> None:
    factories.live()
    address = begin(client, "test")
    finish(client, address)
    receipt = f"/w/{Participant.objects.get().receipt}/"
    assert receipt not in Client().get(address).content.decode()  # by the personal link alone
    assert receipt in client.get(address).content.decode()
    again = client.get(address).content.decode()
    assert receipt not in again and "was shown when you finished" in again
    assert client.get(receipt).status_code == 200


def test_a_page_with_the_receipt_that_got_lost_is_shown_again(client: Client) -> None:
    factories.live()
    address = begin(client, "test")
    finish(client, address)
    receipt, due = f"/w/{Participant.objects.get().receipt}/", client.cookies["receipt"].value
    client.get(address)
    client.cookies["receipt"] = due  # the answer that takes it back never came
    assert receipt in client.get(address).content.decode()


def test_who_knows_the_personal_link_cannot_have_the_receipt_shown(client: Client) -> None:
    factories.live()
    address = begin(client, "test")
    finish(client, address)
    client.get(address)
    stranger, receipt = Client(), Participant.objects.get().receipt
    stranger.post(address, {"page": "debrief"})  # an acknowledged page: nothing is promised again
    assert receipt not in stranger.get(address).content.decode()
    for forged in (address.split("/")[2], "x", due_of(address)):
        stranger.cookies["receipt"] = forged
        assert receipt not in stranger.get(address).content.decode()


def due_of(address: str) -> str:
    """As signed with another key."""
    return signing.get_cookie_signer(salt="receiptanother").sign(address.split("/")[2])


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
