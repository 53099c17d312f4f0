"""Tickets over time: drop-out, re-issue, return, completion."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from survey_site.trials.models import Participant, Ticket
from tests import factories
from tests.trials.player import begin, play, step

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


def expire(number: int) -> None:
    past = timezone.now() - timedelta(minutes=1)
    assert Ticket.objects.filter(number=number).update(lease_expires_at=past) == 1


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


def test_each_answer_renews_the_lease(client: Client) -> None:
    factories.live(lease_minutes=60)
    address = begin(client, "test")
    expire(0)
    step(client, address)
    assert Ticket.objects.get().lease_expires_at > timezone.now() + timedelta(minutes=59)
