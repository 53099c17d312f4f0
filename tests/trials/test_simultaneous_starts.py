"""A hundred first clicks at once: one person per external id, one ticket per person, on either database."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections
from django.test import Client

from survey_site.recruitment.models import Recruitment
from survey_site.trials.models import ExternalId, Participant, Response, Ticket, Trial
from tests import factories
from tests.trials.player import Form, begin, fill, until_trial

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("media")]

CLICKS = 100


def all_at_once(task: Callable[[int], str], count: int) -> list[str]:
    def run(number: int) -> str:
        try:
            return task(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(16) as threads:
        return list(threads.map(run, range(count)))


def click(query: str) -> str:
    """One visitor with a form of their own; returns where the site leads them, or the status of a refusal."""
    client = Client()
    form = Form(client.get(f"/s/test/{query}").content.decode())
    response = client.post(f"/s/test/{query}", form.hidden | {"consent": "yes"})
    return str(response["Location"]) if response.status_code == 303 else str(response.status_code)


def test_a_hundred_clicks_with_one_prolific_id_are_one_person() -> None:
    factories.live()
    places = all_at_once(lambda _: click("?PROLIFIC_PID=same&SESSION_ID=1"), CLICKS)
    assert len(set(places)) == 1 and places[0].startswith("/p/")
    assert Participant.objects.count() == Ticket.objects.count() == ExternalId.objects.count() == 1
    assert Trial.objects.count() == 8


def test_simultaneous_people_get_tickets_of_their_own_up_to_the_quota() -> None:
    study = factories.live()
    Recruitment.objects.create(study=study, quota=20)
    places = all_at_once(lambda number: click(f"?PROLIFIC_PID=p{number}"), 30)
    assert places.count("403") == 10
    assert sorted(Ticket.objects.values_list("number", flat=True)) == list(range(20))
    assert Ticket.objects.values("participant").distinct().count() == 20
    assert Participant.objects.count() == ExternalId.objects.count() == 20


def test_one_answer_posted_many_times_at_once_is_stored_once() -> None:
    factories.live()
    client = Client()
    address = begin(client, "test")
    body = fill(until_trial(client, address))
    before = Response.objects.count()

    def post(_: int) -> str:
        return str(Client().post(address, body).status_code)

    assert set(all_at_once(post, 24)) == {"303"}
    assert Response.objects.count() == before + 1

    def contradict(number: int) -> str:
        other = body | {"choice": str(number % 2), "idempotency_key": f"another-{number}"}
        return str(Client().post(address, other).status_code)

    assert set(all_at_once(contradict, 12)) == {"409"}
    assert Response.objects.count() == before + 1
