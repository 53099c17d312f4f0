"""Reads many tables as they are at one moment, while the site is used."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections, router, transaction

from survey_site.studies.models import Study


@contextmanager
def one_moment() -> Iterator[None]:
    """What is read inside is of one moment, and nobody waits for it; of the replica's where that is read.

    Inside another moment or a transaction that one says what is seen. A cursor of PostgreSQL fetches its rows as they are
    asked for; outside a transaction the server would find all of them before it gave the first.
    """
    connection = connections[router.db_for_read(Study)]
    connection.ensure_connection()
    if connection.in_atomic_block:
        yield
    elif connection.vendor == "postgresql":
        with transaction.atomic(using=connection.alias):
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield
    elif connection.connection.in_transaction:
        yield
    else:
        # Django's own transactions take SQLite's lock for writing at once; this one reads the moment of its first look.
        with connection.cursor() as cursor:
            cursor.execute("BEGIN DEFERRED")
        try:
            yield
        finally:
            with connection.cursor() as cursor:
                cursor.execute("ROLLBACK")
