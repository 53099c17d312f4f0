"""Every answer is a link: at no cost, in no two chains, and what withdrawal leaves still proves that it was there."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from survey_site.reports import ledger_check
from survey_site.studies import seals
from survey_site.studies.models import Study
from survey_site.trials import ledger, triggers
from survey_site.trials.models import AnswerLink, Participant, Response, Trial
from survey_site.trials.views import health
from tests import factories
from tests.trials.player import Form, begin, fill, play, step, until_trial

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


@contextmanager
def statements() -> Iterator[list[str]]:
    """The statements of a block, those of savepoints aside."""
    told: list[str] = []
    with CaptureQueriesContext(connection) as captured:
        yield told
    told += [query["sql"] for query in captured if "SAVEPOINT" not in query["sql"]]


def faults(study: Study) -> list[str]:
    found = [*ledger_check.participants(study), *ledger_check.arrivals(study)]
    return [thing.problem for thing in found if thing.problem]


BEFORE = {  # statements of every post on the way of this study, at the commit before there was a ledger
    "start": 13, "instructions_matching": 5, "0": 3, "feedback-0": 3, "begin_matching": 5, "1": 7, "2": 5, "3": 3,
    "instructions_rating": 5, "4": 3, "feedback-4": 3, "begin_rating": 5, "5": 5, "6": 5, "7": 6,
}  # fmt: skip


def test_the_ledger_costs_no_statement_on_any_page(client: Client) -> None:
    factories.live()
    used = {}
    form = Form(client.get("/s/test/").content.decode())
    with statements() as start:
        address = client.post("/s/test/", form.hidden | {"consent": "yes"})["Location"]
    used["start"] = len(start)
    while len(used) < len(BEFORE):
        form = Form(client.get(address).content.decode())
        with statements() as post:
            assert client.post(address, fill(form)).status_code == 303
        used[form.hidden.get("page") or form.hidden["trial"].partition("-")[0]] = len(post)
    assert used == BEFORE
    assert (
        AnswerLink.objects.count() == Response.objects.count() == Participant.objects.get().chain_length == 8
    )


def test_the_chain_follows_the_answers_and_ends_in_the_participants_row(client: Client) -> None:
    study = factories.live(attention_checks=1)
    address = begin(client, "test")
    play(client, address)
    person = Participant.objects.get()
    head = ledger.beginning(person, person.protocol.hash)
    for number, answer in enumerate(Response.objects.order_by("trial__position"), 1):
        assert len(answer.salt) == 32 and answer.ledger is None
        link = AnswerLink.objects.get(participant=person, number=number)
        assert link.digest == ledger.digest_of(answer, person.code, answer.trial.position)
        head = ledger.next_head(head, answer.trial.position, link.digest)
    assert (person.chain_head, person.chain_length) == (head, Trial.objects.count())
    assert faults(study) == []


def test_equal_answers_have_other_digests(client: Client) -> None:
    factories.live()
    play(client, begin(client, "test"))
    assert AnswerLink.objects.values("digest").distinct().count() == AnswerLink.objects.count()


def test_withdrawal_erases_answers_and_salts_and_the_chain_still_ends_where_it_did(client: Client) -> None:
    study = factories.live()
    address = begin(client, "test")
    play(client, address)
    before = Participant.objects.get()
    client.post(f"/w/{before.receipt}/")
    after = Participant.objects.get()
    assert not Response.objects.exists() and not Trial.objects.exists()
    assert (after.chain_head, after.chain_length) == (before.chain_head, before.chain_length)
    assert ledger.check_code(after) == ledger.check_code(before)
    assert faults(study) == []
    AnswerLink.objects.filter(number=2).delete()
    assert faults(study) == [f"the chain has {before.chain_length - 1} links, and had {before.chain_length}"]


def test_two_answers_cannot_follow_the_same_one(client: Client) -> None:
    """Two servers that both read the chain before either wrote: the constraint lets one of them in."""
    factories.live()
    address = begin(client, "test")
    client.post(address, fill(until_trial(client, address, practice=True)))
    stale = Participant.objects.get()
    client.post(address, fill(until_trial(client, address)))
    trial = Trial.objects.filter(response=None).order_by("position")[0]
    answer = Response(trial=trial, idempotency_key="x", body_hash="", missing="skipped")
    ledger.enter(answer, stale, trial.position)
    with pytest.raises(IntegrityError), transaction.atomic():
        answer.save()
    assert not Response.objects.filter(trial=trial).exists()


@pytest.mark.django_db(transaction=True)
def test_answers_posted_at_once_make_one_chain() -> None:
    study = factories.live()
    addresses = [begin(Client(), "test") for _ in range(3)]

    def post(number: int) -> int:
        try:
            client, address = Client(), addresses[number % 3]
            for _ in range(4):
                form = Form(client.get(address).content.decode())
                assert client.post(address, fill(form) if form.offered else form.hidden).status_code in (
                    303,
                    409,
                )
            return 1
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as threads:
        assert sum(threads.map(post, range(9))) == 9
    assert Response.objects.count() == AnswerLink.objects.count() > 3
    assert faults(study) == []


def test_a_page_that_is_continued_past_keeps_the_seal(client: Client) -> None:
    study = factories.live()
    address = begin(client, "test")
    for _ in range(6):
        step(client, address)
        assert faults(study) == []


def test_migrations_find_the_trigger_gone_and_make_it_again() -> None:
    triggers.remove_before_migrations(plan=[])
    assert triggers.exists()  # nothing is to be done
    triggers.remove_before_migrations(plan=["one"])
    assert triggers.exists() == (connection.vendor == "postgresql")
    triggers.install()
    triggers.install()
    assert triggers.exists()


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL's trigger stays where it is")
def test_while_tables_are_made_anew_no_answer_is_stored_without_its_link(client: Client) -> None:
    study = factories.live()
    address = begin(client, "test")
    fields = fill(until_trial(client, address))
    triggers.remove_before_migrations(plan=["one"])
    with pytest.raises(IntegrityError, match="the database is being migrated"), transaction.atomic():
        client.post(address, fields)
    triggers.install()
    assert client.post(address, fields).status_code == 303
    assert faults(study) == []


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite's triggers cannot be switched off")
def test_a_trigger_that_was_switched_off_is_missed_and_put_right() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE trials_response DISABLE TRIGGER answer_ledger_1")
    assert not triggers.exists()
    assert "run manage.py migrate" in health.Looks().outcome()["database"]
    triggers.install()
    assert triggers.exists()


def test_a_key_of_before_proves_what_it_sealed_and_another_one_is_said(client: Client, settings: Any) -> None:
    study = factories.live()
    begin(client, "test")
    old = settings.SECRET_KEY
    settings.SECRET_KEY = "another key, of some length and 36 signs"
    assert faults(study)[0].startswith(seals.OTHER_KEY)
    settings.SECRET_KEY_FALLBACKS = [old]
    assert faults(study) == []
    begin(Client(), "test")
    assert faults(study) == []
    assert Participant.objects.get(pk=Participant.objects.last().pk).seal.startswith(seals.key_name())  # type: ignore[union-attr]
