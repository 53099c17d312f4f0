"""One answer per trial: repeated, contradicting, foreign and impossible posts."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from survey_site.protocols.models import Protocol
from survey_site.stimuli.models import Stimulus
from survey_site.trials import frozen_protocol
from survey_site.trials.models import Participant, Response, Trial
from tests import factories
from tests.trials.player import Form, begin, fill, until_trial

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


@pytest.fixture
def address(client: Client) -> str:
    factories.live()
    return begin(client, "test")


def counts() -> tuple[int, int]:
    return Response.objects.count(), Trial.objects.filter(issued_at__isnull=False).count()


def test_it_acknowledges_a_repeated_post_and_writes_nothing(client: Client, address: str) -> None:
    body = fill(until_trial(client, address))
    assert client.post(address, body).status_code == 303
    before = counts()
    assert client.post(address, body).status_code == 303
    assert counts() == before


def test_it_refuses_the_same_key_with_other_content(client: Client, address: str) -> None:
    form = until_trial(client, address)
    client.post(address, form.hidden | {"choice": "0"})
    before = counts()
    response = client.post(address, form.hidden | {"choice": "1"})
    assert (response.status_code, counts()) == (409, before)
    stored = Response.objects.latest("answered_at")
    first = Trial.objects.get(pk=stored.trial_id).pool[0]
    assert stored.answer["choice"] == Stimulus.objects.get(pk=first).key


def test_it_refuses_a_second_answer_under_another_key(client: Client, address: str) -> None:
    form = until_trial(client, address)
    client.post(address, form.hidden | {"choice": "0"})
    before = counts()
    other = form.hidden | {"choice": "0", "idempotency_key": "another-key-entirely"}
    assert client.post(address, other).status_code == 409
    assert counts() == before


@pytest.mark.parametrize(
    ("task", "field", "value"),
    [
        ("rating", "rating", "7"),
        ("rating", "rating", "-1"),
        ("rating", "rating", ""),
        ("rating", "rating", "3.5"),
        ("rating", "rating", "٣"),
        ("rating", "choice", "1"),
        ("choice", "choice", "2"),
        ("choice", "choice", ""),
        ("choice", "choice", "cant-tell"),
        ("choice", "rating", "3"),
        ("choice", "missing", "bored"),
    ],
)
def test_it_refuses_what_is_no_answer(
    client: Client, address: str, task: str, field: str, value: str
) -> None:
    form = until_trial(client, address, task)
    before = counts()
    response = client.post(address, form.hidden | {field: value})
    assert (response.status_code, counts()) == (422, before)
    assert 'role="alert"' in response.content.decode()
    as_json = client.post(address, form.hidden | {field: value}, headers={"Accept": "application/json"})
    assert as_json.status_code == 422
    assert as_json.json()["message"]


def test_it_refuses_an_answer_without_its_key(client: Client, address: str) -> None:
    form = until_trial(client, address)
    before = counts()
    for key in ("", "short", "x" * 65):
        assert client.post(address, form.hidden | {"choice": "0", "idempotency_key": key}).status_code == 422
    assert counts() == before


def test_it_refuses_the_trial_of_another_participant(client: Client, address: str) -> None:
    theirs = until_trial(client, address)
    mine = begin(client, "test")
    until_trial(client, mine)
    before = counts()
    for trial in (theirs.hidden["trial"], "", "0", "3-forged", "99999999-x", "-", "٣-x"):
        response = client.post(mine, fill(theirs) | {"trial": trial})
        assert (response.status_code, counts()) == (404, before), trial


def test_it_refuses_a_trial_that_is_not_due(client: Client, address: str) -> None:
    from survey_site.trials.signed_tokens import trial_key

    form = until_trial(client, address)
    before = counts()
    token = Participant.objects.get().token
    for position in (5, 7):
        body: dict[str, Any] = form.hidden | {
            "trial": trial_key(token, position),
            "choice": "0",
            "rating": "1",
        }
        assert client.post(address, body).status_code == 409
    assert (
        client.post(address, form.hidden | {"trial": trial_key(token, 999), "choice": "0"}).status_code == 404
    )
    assert counts() == before


def test_it_takes_cant_tell_as_an_answer_that_is_not_correct(client: Client, address: str) -> None:
    form = until_trial(client, address)
    client.post(address, form.hidden | {"choice": "cant_tell"})
    response = Response.objects.latest("answered_at")
    assert (response.declined, response.score, response.missing) == (True, 0, "")
    assert response.answer == {"choice": "cant_tell", "choice_class": "", "correct": 0, "class_correct": 0}


def test_classes_are_those_of_the_sealed_protocol(client: Client, address: str) -> None:
    frozen_protocol.forget()
    for place, stimulus in enumerate(Stimulus.objects.all()):
        Stimulus.objects.filter(pk=stimulus.pk).update(stimulus_class=f"changed-{place}")
    document = Protocol.objects.get().document
    classes = {row.key: frozen_protocol.classes_of(document)[row.key] for row in Stimulus.objects.all()}
    assert frozen_protocol.frozen_protocol(Protocol.objects.get().pk).classes == classes
    assert not any(name.startswith("changed") for name in classes.values())


def test_it_refuses_cant_tell_where_the_study_does_not_offer_it(client: Client) -> None:
    factories.live("strict", offer_cant_tell=False)
    address = begin(client, "strict")
    form = until_trial(client, address)
    assert "cant_tell" not in form.offered["choice"]
    assert client.post(address, form.hidden | {"choice": "cant_tell"}).status_code == 422


def test_it_keeps_a_timeout_as_missing_with_its_reason(client: Client, address: str) -> None:
    form = until_trial(client, address, "rating")
    assert client.post(address, form.hidden | {"missing": "timeout"}).status_code == 303
    response = Response.objects.latest("answered_at")
    assert (response.missing, response.score, response.answer) == ("timeout", None, {})


def test_it_keeps_what_the_browser_measured_and_drops_what_it_made_up(client: Client, address: str) -> None:
    form = until_trial(client, address)
    Participant.objects.update(consented_at=timezone.now() - timedelta(minutes=1))
    client.post(
        address,
        form.hidden
        | {
            "choice": "0",
            "rt_ms": "1234",
            "seen": "yes",
            "client": '{"dpr": 2, "input": "touch", "evil": "x", "blurs": "many", "onset_ms": NaN}',
        },
    )
    response = Response.objects.latest("answered_at")
    kept = {"dpr": 2, "input": "touch", "scripts": "off"}  # this form came as it was served: no script ran
    assert (response.rt_ms, response.seen, response.client) == (1234, "yes", kept)


@pytest.mark.parametrize("number", ["1" + "0" * 400, "-1" + "0" * 400, "1e999", "1" * 5000])
def test_a_measurement_beyond_all_bounds_never_loses_the_answer(
    client: Client, address: str, number: str
) -> None:
    form = until_trial(client, address)
    body = form.hidden | {"choice": "0", "client": f'{{"dpr": {number}}}'}
    assert client.post(address, body).status_code == 303
    response = Response.objects.latest("answered_at")
    assert (response.missing, response.client) == ("", {"scripts": "off"})


def test_it_refuses_a_key_that_no_database_can_hold(client: Client, address: str) -> None:
    form = until_trial(client, address)
    before = counts()
    body = form.hidden | {"choice": "0", "idempotency_key": "0123\0004567"}
    assert (client.post(address, body).status_code, counts()) == (422, before)


def test_without_javascript_seeing_is_unknown(client: Client, address: str) -> None:
    client.post(address, fill(until_trial(client, address)))
    response = Response.objects.latest("answered_at")
    assert (response.rt_ms, response.seen) == (None, "unknown")


def test_looking_at_a_page_changes_nothing(client: Client, address: str) -> None:
    form = until_trial(client, address)
    before = counts(), Participant.objects.values_list().get()
    for _ in range(3):
        assert Form(client.get(address).content.decode()).hidden["trial"] == form.hidden["trial"]
        assert client.get(address + "upcoming/").status_code == 200
    assert (counts(), Participant.objects.values_list().get()) == before


def test_queries_do_not_grow_with_the_study(client: Client, django_assert_num_queries: Any) -> None:
    used = {}
    for slug, size in (("small", {"images": 6}), ("large", {"images": 24, "rating_trials_per_column": 8})):
        factories.live(slug, **size)
        address = begin(client, slug)
        client.post(address, fill(until_trial(client, address)))  # turns the hold on the ticket into a lease
        form = until_trial(client, address)
        with CountQueries() as get:
            client.get(address)
        with CountQueries() as post:
            client.post(address, fill(form))
        used[slug] = (get.count, post.count)
    assert used["small"] == used["large"]
    assert used["large"][0] <= 2
    assert used["large"][1] <= 7


class CountQueries:
    """Counts the queries of a block."""

    def __enter__(self) -> "CountQueries":
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        self._captured = CaptureQueriesContext(connection).__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._captured.__exit__(*error)
        self.count = len(self._captured)


@pytest.mark.parametrize(("rt_ms", "marked"), [("40", True), ("900", False), ("7200000", True)])
def test_a_time_that_nobody_can_have_is_marked(client: Client, rt_ms: str, marked: bool) -> None:
    factories.live()
    address = begin(client, "test")
    Participant.objects.update(consented_at=timezone.now() - timedelta(hours=1))
    form = until_trial(client, address)
    sent = fill(form) | {"rt_ms": rt_ms, "seen": "yes", "client": '{"impossible_time": 7, "actions": 2}'}
    sent["scripts"] = "on"
    assert client.post(address, sent).status_code == 303
    stored = Response.objects.latest("pk").client
    assert stored == {"actions": 2, **({"impossible_time": 1} if marked else {})}
