"""Two hundred starts at once, and a start after ten thousand others: one slot each, the same few queries."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import Count
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from survey_site.studies.models import Study
from survey_site.trials.models import Participant, Ticket
from tests import factories
from tests.trials.player import Form, begin, step
from tests.trials.test_simultaneous_starts import all_at_once, click

STARTS = 200


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("media")
def test_two_hundred_simultaneous_starts_never_share_a_slot() -> None:
    factories.live(target_participants=STARTS)
    places = all_at_once(lambda _: click(""), STARTS)
    assert len(set(places)) == STARTS
    assert all(place.startswith("/p/") for place in places)
    assert sorted(Ticket.objects.values_list("number", flat=True)) == list(range(STARTS))
    assert Ticket.objects.values("participant").distinct().count() == STARTS
    assert Participant.objects.filter(surplus=False).count() == STARTS


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("media")
def test_people_beyond_the_target_who_move_up_at_once_never_share_a_place() -> None:
    factories.live(target_participants=6)
    for _ in range(6):
        begin(Client(), "test")
    waiting = [begin(Client(), "test") for _ in range(12)]
    Ticket.objects.filter(number__lt=6).update(lease_expires_at=timezone.now() - timedelta(minutes=1))

    def go_on(number: int) -> str:
        if number % 3:
            return str(step(Client(), waiting[number // 3 * 2 + number % 3 - 1]).status_code)
        return click("")

    assert all(place == "303" or place.startswith("/p/") for place in all_at_once(go_on, 18))
    first = Ticket.objects.filter(number__lt=6)
    assert first.filter(state=Ticket.State.LEASED).values("participant").distinct().count() == 6
    for ticket in first.select_related("participant"):
        assert ticket.participant is not None
        assert (ticket.participant.ticket_number, ticket.participant.surplus) == (ticket.number, False)
    held = Participant.objects.filter(tickets__number__lt=6)
    assert Participant.objects.filter(surplus=False).exclude(state="dropped").count() == held.count() == 6
    assert set(Participant.objects.annotate(n=Count("trials")).values_list("n", flat=True)) == {8}


def queries_of_a_start() -> int:
    client = Client()
    form = Form(client.get("/s/test/").content.decode())
    with CaptureQueriesContext(connection) as captured:
        response = client.post("/s/test/", form.hidden | {"consent": "yes"})
    assert response.status_code == 303
    return len(captured)


def fill_up(study: Study, upto: int) -> None:
    """Participants and completed tickets as if so many people had taken part already."""
    protocol = study.protocols.get()
    first = Ticket.objects.count()
    people = Participant.objects.bulk_create(
        Participant(study=study, protocol=protocol, state="finished", ticket_number=number)
        for number in range(first, upto)
    )
    Ticket.objects.bulk_create(
        Ticket(
            protocol=protocol,
            number=person.ticket_number,
            state=Ticket.State.COMPLETED,
            participant=person,
            lease_expires_at=timezone.now(),
        )
        for person in people
    )


@pytest.mark.django_db
@pytest.mark.usefixtures("media")
def test_a_start_asks_as_much_after_ten_thousand_participants_as_after_ten() -> None:
    study = factories.live(target_participants=20_000)
    queries_of_a_start()  # the first reads the protocol into the process
    fill_up(study, 10)
    few = queries_of_a_start()
    fill_up(study, 10_000)
    assert queries_of_a_start() == few
