"""A migration of the table of answers waits for nobody whom answers would wait for: it gives way and tries again."""

import io
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from survey_site.studies import migrating
from survey_site.studies.management.commands import migrate

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer"),
]


@pytest.fixture(autouse=True)
def _later_version(settings: Any) -> Iterator[None]:
    """The app `demo`, which has no tables, stands for one with a further migration."""
    settings.MIGRATION_MODULES = {"demo": "tests.studies.later_migrations"}
    yield
    call_command("migrate", "demo", "zero", verbosity=0)


@pytest.fixture
def reader(_later_version: None) -> Iterator[Any]:
    """Somebody who has read the table and is not done, such as a backup."""
    other = connection.copy()
    other.set_autocommit(False)
    with other.cursor() as cursor:
        # Whoever waits for it without end gets on after a while, and the test fails.
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = '60s'")
        cursor.execute("SELECT count(*) FROM trials_response")
    yield other
    other.close()


def process_of(other: Any) -> int:
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def columns() -> set[str]:
    with connection.cursor() as cursor:
        return {
            column.name
            for column in connection.introspection.get_table_description(cursor, "trials_response")
        }


def write_until(ended: threading.Event) -> int:
    """Writes into the table; fails where a write waits for longer than five seconds."""
    count = 0
    try:
        while not ended.is_set():
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '5s'")
                cursor.execute("UPDATE trials_response SET seen = seen")
            count += 1
    finally:
        connection.close()
    return count


def test_who_writes_is_not_blocked_while_a_long_reader_holds_the_migration_up(
    reader: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "ATTEMPTS", 3)
    monkeypatch.setattr(migrate, "PAUSE_S", 0.1)
    ended = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        writer = pool.submit(write_until, ended)
        try:
            with pytest.raises(CommandError):
                call_command("migrate", "demo", verbosity=0)
        finally:
            ended.set()
        assert writer.result() > 3
    assert "later" not in columns()


def test_it_gives_up_with_one_line_that_names_who_is_at_work(
    reader: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "ATTEMPTS", 1)
    with pytest.raises(CommandError, match="such as a backup, an export") as told:
        call_command("migrate", "demo", verbosity=0)
    said = str(told.value)
    assert "\n" not in said
    assert f"process {process_of(reader)}, for " in said
    assert "run manage.py migrate again" in said


def test_it_goes_through_once_the_reader_has_ended(reader: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate, "sleep", lambda _: reader.rollback())
    out = io.StringIO()
    call_command("migrate", "demo", stdout=out)
    assert out.getvalue().count("Trying again in 5 s.") == 1
    assert "later" in columns()


def test_two_do_not_migrate_at_the_same_time(reader: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate, "ATTEMPTS", 1)
    with reader.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [migrating.MIGRATION_LOCK])
    with pytest.raises(CommandError, match=migrating.ANOTHER):
        call_command("migrate", "demo", verbosity=0)
    reader.rollback()
    call_command("migrate", "demo", verbosity=0)
    assert "later" in columns()


def test_who_asks_what_is_to_be_done_waits_for_nobody_who_does_it(
    reader: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "ATTEMPTS", 1)
    with reader.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [migrating.MIGRATION_LOCK])
    out = io.StringIO()
    call_command("migrate", "demo", plan=True, stdout=out)
    assert "demo.later" in out.getvalue()
    with pytest.raises(SystemExit):
        call_command("migrate", "demo", check_unapplied=True, verbosity=0)


def test_what_it_asked_of_the_connection_ends_with_it(reader: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate, "ATTEMPTS", 1)
    with pytest.raises(CommandError):
        call_command("migrate", "demo", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('lock_timeout'), count(*) FROM pg_locks"
            " WHERE locktype = 'advisory' AND pid = pg_backend_pid()"  # other databases of the server have theirs
        )
        assert cursor.fetchone() == ("0", 0)
