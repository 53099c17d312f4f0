"""Any order of requests by several participants keeps the promise: what was acknowledged is stored, once, as sent."""

import secrets
from collections import Counter
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

from survey_site.reports import ledger_check, ticket_check
from survey_site.stimuli.models import Stimulus
from survey_site.studies.models import Study
from survey_site.trials.models import Exposure, Participant, Response, Ticket, Trial
from tests import factories
from tests.trials.player import Form, begin

STORED = (Participant, Trial, Response, Exposure, Ticket)
RENEWED = ("last_seen_at", "leased_until", "seal")
FIELDS = ("trial", "page", "choice", "rating", "idempotency_key", "client")
JUNK = st.dictionaries(st.sampled_from(FIELDS), st.text(max_size=9), max_size=4)


TRIED: Counter[str] = Counter()


def as_sent(row: Response) -> str:
    """The value that a form must have sent to be stored like this."""
    if "rating" in row.answer:
        return str(row.answer["rating"])
    if row.declined:
        return "cant_tell"
    keys = Stimulus.objects.in_bulk(row.trial.pool)
    return str([keys[pk].key for pk in row.trial.pool].index(row.answer["choice"]))


def unproved() -> list[str]:
    """What seals, chains and tickets say against the rows, whatever order they were written in."""
    study = Study.objects.get()
    checks = (ledger_check.participants, ledger_check.arrivals, ticket_check.tickets)
    return [thing.problem for check in checks for thing in check(study) if thing.problem]


def snapshot() -> list[Any]:
    """All rows, but for when somebody was last seen and until when a ticket is theirs, which every answer renews."""
    told = []
    for model in STORED:
        names = [field.attname for field in model._meta.concrete_fields if field.attname not in RENEWED]
        told.append(list(model._default_manager.order_by("pk").values(*names)))
    return told


class Protocol(RuleBasedStateMachine):
    """Each participant is a page with forms; a form can be sent at any later time, twice, changed, or to another's page."""

    people: Bundle[str] = Bundle("people")
    forms: Bundle[tuple[str, dict[str, str]]] = Bundle("forms")
    sent: Bundle[tuple[str, dict[str, str]]] = Bundle("sent")

    def __init__(self) -> None:
        super().__init__()
        self.acknowledged: dict[str, dict[int, str]] = {}
        self.gone: set[str] = set()
        self.client = Client()
        self._transaction = transaction.atomic()
        self._transaction.__enter__()

    def teardown(self) -> None:
        assert unproved() == []
        transaction.set_rollback(True)
        self._transaction.__exit__(None, None, None)

    @initialize(target=people)
    def first(self) -> str:
        return self.arrive()

    @rule(target=people)
    def arrive(self) -> Any:
        if len(self.acknowledged) >= 3:
            return multiple()
        address = begin(Client(), "test")
        self.acknowledged[address] = {}
        return address

    @rule(target=sent, who=people, steps=st.integers(1, 7), number=st.integers(0, 2))
    def go_on(self, who: str, steps: int, number: int) -> Any:
        """As a browser does that nothing happens to."""
        taken = []
        for _ in range(steps):
            form = Form(self.client.get(who).content.decode())
            if who in self.gone or not form.forms or not form.hidden:
                break
            fields = self._filled(form.hidden, number)
            assert self._post(who, who, fields, lost=False)
            taken.append((who, fields))
        return multiple(*taken)

    @staticmethod
    def _filled(fields: dict[str, str], number: int) -> dict[str, str]:
        return {**fields, **({} if "page" in fields else {"choice": str(number % 2), "rating": str(number)})}

    @rule(target=forms, who=people)
    def look(self, who: str) -> Any:
        """Changes nothing, and shows what is to do next."""
        before = snapshot()
        page = self.client.get(who)
        assert snapshot() == before
        assert page.status_code == (410 if who in self.gone else 200)
        form = Form(page.content.decode())
        return (who, form.hidden) if form.forms and page.status_code == 200 else multiple()

    @rule(target=forms, who=people)
    def look_ahead(self, who: str) -> Any:
        """The forms of the trials to come, as a browser fetches them; none of them may be answered before its turn."""
        answer = self.client.get(f"{who}upcoming/")
        if answer.status_code != 200:
            assert who in self.gone
            return multiple()
        return multiple(*((who, Form(trial["html"]).hidden) for trial in answer.json()["trials"]))

    @rule(target=sent, form=forms, number=st.integers(0, 2), lost=st.booleans())
    def send(self, form: tuple[str, dict[str, str]], number: int, lost: bool) -> Any:
        """Whenever it was fetched: taken where its turn is, else refused, and then nothing is written."""
        who, fields = form
        filled = {
            **fields,
            **({} if "page" in fields else {"choice": str(number % 2), "rating": str(number)}),
        }
        return (who, filled) if self._post(who, who, filled, lost=lost) else multiple()

    @rule(who=people, number=st.integers(0, 2))
    def skip(self, who: str, number: int) -> None:
        """The last of the trials to come, answered now: refused, and it stays to be answered at its turn."""
        answer = self.client.get(f"{who}upcoming/")
        trials = answer.json()["trials"] if answer.status_code == 200 else []
        if len(trials) > 1:
            fields = self._filled(Form(trials[-1]["html"]).hidden, number)
            before = snapshot()
            assert self.client.post(who, fields).status_code == 409
            assert snapshot() == before
            TRIED["skipped"] += 1

    @rule(again=sent)
    def send_again(self, again: tuple[str, dict[str, str]]) -> None:
        """As after a lost answer: acknowledged again, and nothing is written twice."""
        who, fields = again
        before = snapshot()
        status = self.client.post(who, fields).status_code
        assert snapshot() == before
        assert status == (410 if who in self.gone else 303)

    @rule(again=sent, new_key=st.booleans())
    def contradict(self, again: tuple[str, dict[str, str]], new_key: bool) -> None:
        """Another answer to an answered trial: refused, whatever its key."""
        who, fields = again
        if "page" in fields:
            return
        other = {
            **fields,
            "choice": str((int(fields["choice"]) + 1) % 2),
            "rating": str((int(fields["rating"]) + 1) % 7),
        }
        if new_key:
            other["idempotency_key"] = secrets.token_hex(8)
        before = snapshot()
        assert self.client.post(who, other).status_code in ((410,) if who in self.gone else (409, 422))
        assert snapshot() == before

    @rule(form=forms, other=people)
    def send_to_another(self, form: tuple[str, dict[str, str]], other: str) -> None:
        """A form of somebody else's trial belongs to nobody here."""
        who, fields = form
        if who == other or "page" in fields:
            return
        before = snapshot()
        status = self.client.post(other, {**fields, "choice": "0", "rating": "0"}).status_code
        assert status == (410 if other in self.gone else 404)
        assert snapshot() == before

    @rule(who=people, fields=JUNK)
    def send_junk(self, who: str, fields: dict[str, str]) -> None:
        before = snapshot()
        assert 400 <= self.client.post(who, fields).status_code < 500
        assert snapshot() == before

    @rule(who=consumes(people))
    def withdraw(self, who: str) -> None:
        """Erases everything; what was promised to be kept is kept no longer."""
        receipt = Participant.objects.get(token=who.split("/")[2]).receipt
        assert self.client.post(f"/w/{receipt}/").status_code == 200
        self.gone.add(who)
        TRIED["withdrawn"] += 1
        self.acknowledged[who] = {}

    def _post(self, who: str, address: str, fields: dict[str, str], *, lost: bool) -> bool:
        """Whether it was taken. `lost`: the answer is thrown away and the form sent once more, as a browser does."""
        before = snapshot()
        status = self.client.post(address, fields).status_code
        if status != 303:
            assert status in ((410,) if who in self.gone else (409, 410, 422)), status
            assert snapshot() == before
            TRIED["refused"] += 1
            return False
        if lost:
            after = snapshot()
            assert self.client.post(address, fields).status_code == 303
            assert snapshot() == after
        if "trial" in fields:
            position = int(fields["trial"].partition("-")[0])
            row = Trial.objects.get(participant__token=who.split("/")[2], position=position)
            value = fields["choice"] if row.pool else fields["rating"]
            assert self.acknowledged[who].setdefault(position, value) == value
            TRIED["answers"] += 1
        return True

    @invariant()
    def what_was_acknowledged_is_stored_once_as_sent_and_nothing_else(self) -> None:
        for address, answers in self.acknowledged.items():
            rows = Response.objects.filter(trial__participant__token=address.split("/")[2]).select_related(
                "trial"
            )
            stored = [(row.trial.position, as_sent(row)) for row in rows]
            assert sorted(stored) == sorted(answers.items())

    @invariant()
    def trials_are_answered_in_their_order_and_one_is_open_at_most(self) -> None:
        for person in Participant.objects.exclude(state=Participant.State.WITHDRAWN):
            rows = person.trials.order_by("position").values_list("response__pk", "issued_at")
            answered = [pk is not None for pk, _ in rows]
            issued = [at is not None for _, at in rows]
            assert answered == sorted(answered, reverse=True)
            assert issued == sorted(issued, reverse=True)
            assert sum(answered) <= sum(issued) <= sum(answered) + 1

    @invariant()
    def no_two_share_a_ticket_and_who_withdrew_left_nothing(self) -> None:
        here = Participant.objects.exclude(state=Participant.State.WITHDRAWN).filter(surplus=False)
        numbers = list(here.exclude(ticket_number=None).values_list("ticket_number", flat=True))
        assert len(numbers) == len(set(numbers))
        gone = Participant.objects.filter(state=Participant.State.WITHDRAWN)
        assert not Trial.objects.filter(participant__in=gone).exists()
        assert not Exposure.objects.filter(participant__in=gone).exists()


def machine(examples: int, steps: int) -> Any:
    """The state machine as a test of so many examples."""
    case = Protocol.TestCase
    case.settings = settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, database=None, derandomize=True,
        suppress_health_check=list(HealthCheck), print_blob=False,
    )  # fmt: skip
    return case("runTest")


@pytest.fixture
def study(db: None, media: Any) -> Study:
    return factories.live()


def test_any_order_of_requests_keeps_what_was_promised(study: Study) -> None:
    assert connection.in_atomic_block
    machine(12, 40).runTest()
    assert min(TRIED[what] for what in ("answers", "refused", "withdrawn")) >= 3, TRIED


@pytest.mark.slow
def test_so_do_many_long_orders(study: Study) -> None:
    machine(150, 120).runTest()
    print(f"\nany order of requests: {dict(TRIED)} in 150 runs of up to 120 requests")
