"""What an arrival gets is found at the ends of indexes, however many have finished before."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from survey_site.protocols.models import Protocol
from survey_site.trials import leases
from survey_site.trials.models import Ticket
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
State = Ticket.State


def effort(ask: Callable[[], Any]) -> int:
    """Steps of SQLite's machine, or rows that PostgreSQL's plan passes on, for what is asked."""
    if connection.vendor == "sqlite":
        steps = 0

        def step() -> None:
            nonlocal steps
            steps += 1

        connection.connection.set_progress_handler(step, 1)
        ask()
        connection.connection.set_progress_handler(None, 1)
        return steps
    with CaptureQueriesContext(connection) as captured:
        ask()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE trials_ticket")
        rows = 0
        for query in captured:
            cursor.execute("EXPLAIN ANALYZE " + query["sql"].replace("%", "%%"))
            plan = "\n".join(row[0] for row in cursor.fetchall())
            rows += sum(int(float(found)) for found in re.findall(r"actual time=\S+ rows=([0-9.]+)", plan))
            rows += sum(int(found) for found in re.findall(r"Rows Removed by Filter: ([0-9]+)", plan))
        return rows


def tickets(protocol: Protocol, numbers: range, state: str) -> None:
    Ticket.objects.bulk_create(Ticket(protocol=protocol, number=number, state=state) for number in numbers)


def test_looking_for_a_ticket_costs_the_same_after_ten_and_after_thousands() -> None:
    protocol = factories.live().protocols.get()

    def ask() -> object:
        return leases.offered(protocol.pk, timezone.now(), target=5000)

    tickets(protocol, range(10), State.COMPLETED)
    few = effort(ask)
    tickets(protocol, range(10, 4000), State.COMPLETED)
    assert 0 < effort(ask) <= 2 * few + 10
    assert leases.offered(protocol.pk, timezone.now(), target=5000).ticket == 4000
    tickets(protocol, range(4000, 4002), State.RELEASED)
    assert leases.offered(protocol.pk, timezone.now(), target=5000).ticket == 4000
    assert leases.offered(protocol.pk, timezone.now(), target=4000).reason == "surplus"
