"""Which errors say that the database fails, and which that a statement is wrong: drivers have one type for both."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import InterfaceError, InternalError, OperationalError, connection, transaction
from django.db.utils import ConnectionHandler, Error

from survey_site.trials.views import health

pytestmark = pytest.mark.django_db


def at(file: Path, **options: Any) -> Any:
    """A connection of Django to that file."""
    own = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(file), "OPTIONS": options}
    return ConnectionHandler({"default": own})["default"]


def failed(connection: Any, statement: str, values: tuple[object, ...] = ()) -> Error:
    with closing(connection), pytest.raises(Error) as met, connection.cursor() as cursor:
        cursor.execute(statement, values)
    return met.value


def locked(folder: Path) -> Error:
    with closing(sqlite3.connect(folder / "one.sqlite3")) as other:
        other.execute("BEGIN EXCLUSIVE")
        return failed(at(folder / "one.sqlite3", timeout=0), "CREATE TABLE t (a)")


def read_only(folder: Path) -> Error:
    sqlite3.connect(folder / "one.sqlite3").close()
    return failed(at(f"file:{folder}/one.sqlite3?mode=ro", uri=True), "CREATE TABLE t (a)")  # type: ignore[arg-type]


def full(folder: Path) -> Error:
    small = at(folder / "one.sqlite3", init_command="PRAGMA max_page_count=1;")
    return failed(small, "CREATE TABLE t (a)")


def damaged(folder: Path) -> Error:
    (folder / "one.sqlite3").write_bytes(b"no database" * 100)
    return failed(at(folder / "one.sqlite3"), "SELECT * FROM sqlite_master")


def without_folder(folder: Path) -> Error:
    return failed(at(folder / "gone" / "one.sqlite3"), "SELECT 1")


@pytest.mark.parametrize("fail", [locked, read_only, full, damaged, without_folder])
def test_a_database_of_a_file_that_fails_is_named(fail: Callable[[Path], Error], tmp_path: Path) -> None:
    assert list(health.refusing(fail(tmp_path))) == ["database"]


@pytest.mark.parametrize(
    ("statement", "values"),
    [
        ("SELECT nothing_of_the_kind", ()),
        ("SELECT * FROM nowhere", ()),
        ("SELEC 1", ()),
        (f"SELECT 1 WHERE 1 IN ({','.join(['%s'] * 300_000)})", tuple(range(300_000))),
    ],
    ids=["no column", "no table", "no SQL", "too many variables"],
)
def test_a_wrong_statement_is_a_failure_of_the_program(
    statement: str, values: tuple[object, ...], tmp_path: Path
) -> None:
    error = failed(at(tmp_path / "one.sqlite3"), statement, values)
    assert isinstance(error, OperationalError)
    assert health.refusing(error) == {}


@pytest.mark.parametrize(
    ("code", "is_the_database_s"),
    [
        ("08006", True),
        ("25006", True),
        ("53100", True),
        ("53300", True),
        ("57P01", True),
        ("58030", True),
        ("XX001", True),
        ("54000", False),
        ("57014", False),
        ("XX000", False),
    ],
)
def test_postgresql_s_codes_tell(code: str, is_the_database_s: bool) -> None:
    told = psycopg.errors.lookup(code)("x")
    error = (InternalError if isinstance(told, psycopg.InternalError) else OperationalError)("x")
    error.__cause__ = told
    assert bool(health.refusing(error)) is is_the_database_s


@pytest.mark.parametrize("type_", [psycopg.OperationalError, psycopg.InterfaceError])
def test_a_connection_that_broke_has_no_code(type_: type[Exception]) -> None:
    error: Error = OperationalError("x") if type_ is psycopg.OperationalError else InterfaceError("x")
    error.__cause__ = type_("the connection is lost")
    assert list(health.refusing(error)) == ["database"]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="has no such limits")
def test_a_statement_that_takes_too_long_is_no_failure_of_postgresql() -> None:
    with pytest.raises(OperationalError) as met, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '20ms'")
        cursor.execute("SELECT pg_sleep(5)")
    assert health.refusing(met.value) == {}


@pytest.mark.skipif(connection.vendor != "postgresql", reason="is always written")
def test_a_standby_s_refusal_to_write_is_postgresql_s() -> None:
    with pytest.raises(Error) as met, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL transaction_read_only = on")
        cursor.execute("UPDATE studies_study SET title = title")
    assert list(health.refusing(met.value)) == ["database"]


def test_what_fails_while_a_failure_is_handled_is_a_failure_of_its_own() -> None:
    def met(handle: Callable[[Exception], None]) -> dict[str, str]:
        try:
            try:
                raise OperationalError("away")
            except OperationalError as error:
                handle(error)
        except KeyError as error:
            return health.refusing(error)
        return {"nothing": "met"}

    def merely(_: Exception) -> None:
        {}["x"]

    def apart(_: Exception) -> None:
        raise KeyError("x") from None

    def by(cause: Exception) -> None:
        raise KeyError("x") from cause

    assert (met(merely), met(apart), list(met(by))) == ({}, {}, ["database"])
