"""The one thing that the database does itself: an answer's link goes into the ledger in the statement that stores it.

So the ledger costs no query, and no answer is stored without its link or a link without its answer. Two answers that
would follow the same one break the constraint on the link's number, whoever wrote them.
"""

from collections.abc import Sequence
from typing import Any

from django.db import connections

NAME = "answer_ledger_1"  # in the statements too; another one where they change

_POSTGRES = """
    CREATE OR REPLACE FUNCTION answer_ledger_1() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO trials_answerlink (participant_id, number, position, digest) VALUES (
            NEW.participant_id, (NEW.ledger->>'number')::integer, (NEW.ledger->>'position')::integer,
            NEW.ledger->>'digest'
        );
        UPDATE trials_participant SET
            chain_length = (NEW.ledger->>'number')::integer, chain_head = NEW.ledger->>'head',
            presented = NEW.ledger->>'presented', seal = NEW.ledger->>'seal'
        WHERE id = NEW.participant_id;
        NEW.ledger := NULL;
        RETURN NEW;
    END $$;
    DROP TRIGGER IF EXISTS answer_ledger_1 ON trials_response;
    CREATE TRIGGER answer_ledger_1 BEFORE INSERT ON trials_response FOR EACH ROW
        WHEN (NEW.ledger IS NOT NULL) EXECUTE FUNCTION answer_ledger_1();
"""
_SQLITE = """
    CREATE TRIGGER answer_ledger_1 AFTER INSERT ON trials_response FOR EACH ROW WHEN NEW.ledger IS NOT NULL
    BEGIN
        INSERT INTO trials_answerlink (participant_id, number, position, digest) VALUES (
            NEW.participant_id, json_extract(NEW.ledger, '$.number'), json_extract(NEW.ledger, '$.position'),
            json_extract(NEW.ledger, '$.digest')
        );
        UPDATE trials_participant SET
            chain_length = json_extract(NEW.ledger, '$.number'), chain_head = json_extract(NEW.ledger, '$.head'),
            presented = json_extract(NEW.ledger, '$.presented'), seal = json_extract(NEW.ledger, '$.seal')
        WHERE id = NEW.participant_id;
        UPDATE trials_response SET ledger = NULL WHERE id = NEW.id;
    END
"""


# While tables are made anew, an answer is refused rather than stored without its link; whoever gave it sends it again. It
# refuses none once the other trigger is there, which an older version may have made that does not know of this one.
_MEANWHILE = """
    CREATE TRIGGER IF NOT EXISTS no_answer_meanwhile BEFORE INSERT ON trials_response WHEN NEW.ledger IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'trigger' AND name = 'answer_ledger_1')
    BEGIN SELECT RAISE(ABORT, 'the database is being migrated'); END
"""


def exists(using: str = "default") -> bool:
    """Whether the database moves links: a trigger that was switched off moves none."""
    connection = connections[using]
    enabled = "pg_trigger WHERE tgenabled <> 'D' AND tgname"
    table = enabled if connection.vendor == "postgresql" else "sqlite_master WHERE name"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT 1 FROM {table} = %s", [NAME])  # noqa: S608
        return cursor.fetchone() is not None


def install(using: str = "default", **_: Any) -> None:
    """After migrations: the trigger, unless it is there."""
    connection = connections[using]
    sqlite = connection.vendor == "sqlite"
    if "trials_response" not in connection.introspection.table_names():
        return
    with connection.cursor() as cursor:
        if not exists(using):
            cursor.execute(_SQLITE if sqlite else _POSTGRES)
        if sqlite:
            cursor.execute("DROP TRIGGER IF EXISTS no_answer_meanwhile")


def remove_before_migrations(using: str = "default", plan: Sequence[Any] = (), **_: Any) -> None:
    """SQLite renames no table that a trigger names, and changes tables by renaming new ones. plan: what is to be done."""
    connection = connections[using]
    if connection.vendor == "sqlite" and plan and exists(using):
        with connection.cursor() as cursor:
            cursor.execute(_MEANWHILE)
            cursor.execute("DROP TRIGGER IF EXISTS answer_ledger_1")
