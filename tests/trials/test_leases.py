"""Tickets over time: drop-out, re-issue, return, completion."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from survey_site.recruitment.models import Recruitment
from survey_site.trials import planned_trials
from survey_site.trials.frozen_protocol import frozen_protocol
from survey_site.trials.models import Participant, Ticket
from tests import factories
from tests.trials.player import begin, fill, play, step, until_trial

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
    step(client, first)  # the first trial is issued: its plan is that of this ticket
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


def minutes_left(number: int = 0) -> float:
    ends = Ticket.objects.get(number=number).lease_expires_at
    assert ends is not None
    return (ends - timezone.now()).total_seconds() / 60


@pytest.mark.parametrize(("lease", "hold"), [(60, 10), (4, 4)])
def test_a_start_holds_a_ticket_for_ten_minutes_and_the_first_counted_answer_leases_it(
    client: Client, lease: int, hold: int
) -> None:
    factories.live(lease_minutes=lease)
    address = begin(client, "test")
    assert hold - 1 < minutes_left() <= hold
    body = fill(until_trial(client, address))  # past instructions and practice
    assert hold - 1 < minutes_left() <= hold
    client.post(address, body)
    assert lease - 1 < minutes_left() <= lease


def test_practice_after_a_while_holds_the_ticket_for_ten_minutes_more(client: Client) -> None:
    factories.live(lease_minutes=60)
    address = begin(client, "test")
    expire(0)
    step(client, address)
    assert 9 < minutes_left() <= 10


def test_an_answer_after_a_while_renews_the_lease(client: Client) -> None:
    factories.live(lease_minutes=60)
    address = begin(client, "test")
    client.post(address, fill(until_trial(client, address)))
    expire(0)
    step(client, address)
    assert minutes_left() > 59


def test_starts_alone_do_not_fill_a_study(client: Client) -> None:
    """A script took every place; ten minutes later honest people have them."""
    factories.live(target_participants=3)
    for _ in range(5):
        begin(Client(), "test")
    waiting = begin(client, "test")
    assert participant(waiting).surplus
    for number in range(6):
        expire(number)
    people = [participant(begin(Client(), "test")) for _ in range(2)]
    assert [(person.ticket_number, person.surplus) for person in people] == [(0, False), (1, False)]
    play(client, waiting)
    person = participant(waiting)
    assert (person.ticket_number, person.surplus, person.state) == (2, False, "finished")
    assert participant(begin(Client(), "test")).surplus


def planned(person: Participant) -> list[tuple[int, ...]]:
    return list(person.trials.values_list("position", "stimulus", "condition", "pool_index"))


def test_who_began_as_surplus_moves_up_with_the_plan_of_the_ticket(client: Client) -> None:
    study = factories.live(target_participants=1)
    begin(client, "test")
    address = begin(client, "test")
    before = planned(participant(address))
    expire(0)
    step(client, address)
    person = participant(address)
    assert (person.ticket_number, person.surplus) == (0, False)
    frozen = frozen_protocol(study.protocols.get().pk)
    expected = [
        (trial.position, trial.stimulus_id, trial.condition_id, trial.pool_index)
        for trial in planned_trials.trials_of(person, frozen)
    ]
    assert planned(person) == expected != before
    assert list(person.trials.exclude(issued_at=None).values_list("position", flat=True)) == [0]
    assert set(Ticket.objects.values_list("number", "state", "participant")) == {
        (0, "leased", person.pk),
        (1, "released", None),
    }


def test_nobody_moves_once_the_first_trial_is_issued(client: Client) -> None:
    factories.live(target_participants=1)
    begin(client, "test")
    address = begin(client, "test")
    step(client, address)
    expire(0)
    play(client, address)
    person = participant(address)
    assert (person.ticket_number, person.surplus) == (1, True)
    assert participant(begin(client, "test")).ticket_number == 0


def test_who_lost_the_ticket_before_the_first_trial_takes_the_next(client: Client) -> None:
    factories.live(target_participants=3)
    slow = begin(client, "test")
    expire(0)
    assert participant(begin(client, "test")).ticket_number == 0
    step(client, slow)
    person = participant(slow)
    assert (person.ticket_number, person.surplus) == (1, False)


def test_a_quota_keeps_who_lost_the_ticket_as_surplus(client: Client) -> None:
    study = factories.live(target_participants=3)
    Recruitment.objects.create(study=study, quota=1)
    slow = begin(client, "test")
    expire(0)
    begin(client, "test")
    step(client, slow)
    assert participant(slow).surplus and participant(slow).ticket_number == 0
    assert Ticket.objects.count() == 1


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
    response = Client().post("/s/test/", {"consent": "yes", "nonce": "n" * 20})
    assert response.status_code == 403
    assert "place" in response.content.decode()
    assert Participant.objects.count() == 2
