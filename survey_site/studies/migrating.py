"""How tables change while people answer: on PostgreSQL, what would wait for one gives up before answers wait behind it.

Whoever reads a table for minutes (a backup, an export) disturbs no answer. But a statement that changes the table waits
for that reader, and every answer waits behind the statement.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.db import Error, OperationalError
from django.db.migrations.operations import AddIndex

# Under PostgreSQL's `deadlock_timeout`: where an answer and a migration wait for each other, it is the migration that ends.
LONGEST_WAIT = "800ms"
MIGRATION_LOCK = 7_265_737_412  # of PostgreSQL's advisory locks; restoring has the number before
WAITED_IN_VAIN = {"55P03", "40P01"}  # a lock was not to be had in time; two waited for each other
ANOTHER = "another migration is at work on this database"
BUSY = "other work holds a table that has to change, such as a backup, an export or a session left open"
LONGEST_OPEN = """
    SELECT coalesce(nullif(application_name, ''), usename, backend_type) || ', process ' || pid || ', for '
        || extract(epoch FROM now() - xact_start)::integer || ' s'
    FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
    ORDER BY xact_start LIMIT 1
"""
_POSTGRES = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)"
_SQLITE = "SELECT true FROM sqlite_master WHERE type = 'index' AND name = %s"


class Held(Exception):
    """A table could not be changed at once. The message says what is at work."""


@contextmanager
def beside_answers(connection: Any) -> Iterator[None]:
    """No statement of this block waits for a lock for longer than answers may wait behind it, and no other migration runs.

    Raises Held where one would; what was begun is then taken back by its transaction. SQLite has one writer anyway.
    """
    if connection.vendor != "postgresql":
        yield
        return
    if not _value(connection, "SELECT pg_try_advisory_lock(%s)", MIGRATION_LOCK):
        raise Held(ANOTHER)
    try:
        with lock_timeout(connection, LONGEST_WAIT):
            yield
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) not in WAITED_IN_VAIN:
            raise
        longest = _value(connection, LONGEST_OPEN)
        raise Held(f"{BUSY} (open for longest: {longest})" if longest else BUSY) from error
    finally:
        with suppress(Error):  # a lost connection holds nothing
            _value(connection, "SELECT pg_advisory_unlock(%s)", MIGRATION_LOCK)


@contextmanager
def lock_timeout(connection: Any, longest: str) -> Iterator[None]:
    """How long statements of this block wait for a lock; “0”: for as long as it takes."""
    if connection.vendor != "postgresql":
        yield
        return
    before = _value(connection, "SELECT current_setting('lock_timeout')")
    _value(connection, "SELECT set_config('lock_timeout', %s, false)", longest)
    try:
        yield
    finally:
        with suppress(Error):  # a lost connection has no settings
            _value(connection, "SELECT set_config('lock_timeout', %s, false)", before)


class AddIndexConcurrently(AddIndex):
    """An index that is built while people answer; on SQLite, which has one writer, plainly.

    For migrations of nothing else, with `atomic = False`: what broke off half-way is run again. Then an index that is there
    is left, and one that PostgreSQL keeps of a break, half built and used by no query, is made anew.
    """

    atomic = False

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        connection = schema_editor.connection
        model = to_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(connection.alias, model):
            return
        whole = _is_whole(connection, self.index.name)
        if whole:
            return
        way = {"concurrently": True} if connection.vendor == "postgresql" else {}
        # Nobody waits behind these, however long they themselves wait for the readers of before.
        with lock_timeout(connection, "0"):
            if whole is False:
                schema_editor.remove_index(model, self.index, **way)
            schema_editor.add_index(model, self.index, **way)


def _is_whole(connection: Any, index: str) -> bool | None:
    """None: there is no such index."""
    if connection.vendor == "postgresql":
        query, name = _POSTGRES, connection.ops.quote_name(index)
    else:
        query, name = _SQLITE, index
    whole: bool | None = _value(connection, query, name)
    return whole


def _value(connection: Any, query: str, *values: object) -> Any:
    """The first column of the first row, or None."""
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        row = cursor.fetchone()
    return row[0] if row else None
