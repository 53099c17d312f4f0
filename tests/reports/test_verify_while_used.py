"""`verify` reads one moment: answers that come in while it looks are no differences."""

import threading

import pytest
from django.db import close_old_connections, connection, connections
from django.test import Client

from survey_site.reports import ledger_check, verify
from survey_site.trials.models import Response
from tests import factories
from tests.trials.player import begin, fill, step, until_trial

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("media")]


def test_answers_that_come_in_meanwhile_are_no_differences(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_check, "BATCH", 1)
    study = factories.live()
    addresses = [begin(Client(), "test") for _ in range(3)]
    found = verify.findings(study)
    assert next(thing for thing in found if thing.kind == "participants").problem == ""

    def go_on() -> None:
        close_old_connections()
        for address in addresses:
            client = Client()
            client.post(address, fill(until_trial(client, address)))
            step(client, address)
        begin(Client(), "test")
        connections.close_all()

    thread = threading.Thread(target=go_on)
    thread.start()
    thread.join(120)
    assert not thread.is_alive()
    assert [thing for thing in found if thing.problem] == []
    assert not connection.in_atomic_block
    assert Response.objects.count() > 0
    assert [thing for thing in verify.findings(study) if thing.problem] == []
