"""Tickets over time: drop-out, re-issue, return, completion."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from survey_site.recruitment.models import Recruitment
from survey_site.trials.models import Participant, Ticket
from tests import factories
from tests.trials.player import Form, begin, play, step

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


def expire(number: int) -> None:
    """The holder of a ticket has been away for longer than the lease."""
    past = timezone.now() - timedelta(minutes=61)
    assert Ticket.objects.filter(number=number).update(lease_expires_at=past) == 1
    Participant.objects.filter(tickets__number=number).update(last_seen_at=past)


def participant(address: str) -> Participant:
    return Participant.objects.get(token=address.strip("/").split("/")[1])


def test_the_lowest_released_ticket_goes_first(client: Client) -> None:
    factories.live()
    addresses = [begin(client, "test") for _ in range(4)]
    expire(2)
    expire(1)
    later = [participant(begin(client, "test")).ticket_number for _ in range(3)]
    assert later == [1, 2, 4]
    assert participant(addresses[1]).state == Participant.State.DROPPED


def test_who_comes_back_in_time_keeps_the_ticket(client: Client) -> None:
    factories.live()
    address = begin(client, "test")
    expire(0)
    play(client, address)
    assert not participant(address).surplus
    assert Ticket.objects.get().state == Ticket.State.COMPLETED


def test_a_released_ticket_that_nobody_took_is_taken_back(client: Client) -> None:
    factories.live()
    address = begin(client, "test")
    expire(0)
    Ticket.objects.update(state=Ticket.State.RELEASED)
    step(client, address)
    assert Ticket.objects.get().state == Ticket.State.LEASED


def test_who_comes_back_after_the_re_issue_may_finish_as_surplus(client: Client) -> None:
    factories.live()
    first = begin(client, "test")
    expire(0)
    second = begin(client, "test")
    play(client, first)
    play(client, second)
    assert (participant(first).surplus, participant(second).surplus) == (True, False)
    assert participant(first).state == participant(second).state == Participant.State.FINISHED
    ticket = Ticket.objects.get()
    assert (ticket.state, ticket.participant) == (Ticket.State.COMPLETED, participant(second))


def test_quick_answers_do_not_write_the_lease_each_time(client: Client) -> None:
    factories.live()
    address = begin(client, "test")
    before = Ticket.objects.get().lease_expires_at
    step(client, address)
    assert Ticket.objects.get().lease_expires_at == before


def test_an_answer_after_a_while_renews_the_lease(client: Client) -> None:
    factories.live(lease_minutes=60)
    address = begin(client, "test")
    expire(0)
    step(client, address)
    assert Ticket.objects.get().lease_expires_at > timezone.now() + timedelta(minutes=59)


def test_who_comes_beyond_the_target_may_finish_as_surplus(client: Client) -> None:
    factories.live(target_participants=2)
    addresses = [begin(client, "test") for _ in range(3)]
    play(client, addresses[2])
    people = [participant(address) for address in addresses]
    assert [(person.ticket_number, person.surplus) for person in people] == [
        (0, False),
        (1, False),
        (2, True),
    ]
    assert people[2].state == Participant.State.FINISHED
    assert Ticket.objects.get(number=2).state == Ticket.State.COMPLETED


def test_a_place_that_comes_free_is_given_before_any_surplus_one(client: Client) -> None:
    factories.live(target_participants=2)
    for _ in range(3):
        begin(client, "test")
    expire(1)
    latecomer = participant(begin(client, "test"))
    assert (latecomer.ticket_number, latecomer.surplus) == (1, False)


def test_a_surplus_place_is_kept_by_answers_like_any_other(client: Client) -> None:
    factories.live(target_participants=1)
    begin(client, "test")
    address = begin(client, "test")
    expire(1)
    step(client, address)
    assert Ticket.objects.get(number=1).lease_expires_at > timezone.now()
    assert participant(address).surplus


def test_the_recruiters_quota_closes_the_door_beyond_the_target(client: Client) -> None:
    study = factories.live(target_participants=1)
    Recruitment.objects.create(study=study, quota=2)
    assert [participant(begin(client, "test")).surplus for _ in range(2)] == [False, True]
    form = Form(client.get("/s/test/").content.decode())
    response = client.post("/s/test/", form.hidden | {"consent": "yes"})
    assert response.status_code == 403
    assert "place" in response.content.decode()
    assert Participant.objects.count() == 2
