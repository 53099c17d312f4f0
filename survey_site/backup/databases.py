"""The database as one file and back: SQLite by its backup API, PostgreSQL by pg_dump and pg_restore.

Both see one moment: what is written meanwhile is not in it, and nobody waits for it.
"""

import os
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from django.apps import apps
from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from psycopg.conninfo import make_conninfo

from survey_site.backup.errors import BackupError
from survey_site.telemetry.lines import one_line

# Where Debian and Red Hat put the programs of each version, which are not all in everybody's PATH.
POSTGRES_FOLDERS = ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin")
RESTORING = (
    "A backup is just being restored into this installation: wait for its end, and look at what it says."
)
RESTORE_LOCK = 7_265_737_411  # of PostgreSQL's advisory locks, which are numbers
MADE_BY_MIGRATING = {"django_migrations", "django_content_type", "auth_permission"}


def engine() -> str:
    """`sqlite` or `postgresql`."""
    return connection.vendor


def file_name() -> str:
    """Of the database in a backup."""
    return f"database.{engine()}"


def migrations() -> list[str]:
    """Names of the applied migrations, `app.name`: what tables there are."""
    return sorted(f"{app}.{name}" for app, name in MigrationRecorder(connection).applied_migrations())


def unknown(applied: Sequence[str]) -> list[str]:
    """Those of the migrations that this version of the program does not have."""
    known = {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations or {}}
    return sorted(set(applied) - known)


def dump(target: Path) -> None:
    """Writes the database as it is at one moment. Raises BackupError."""
    if engine() == "sqlite":
        with closing(_open(_sqlite_path(), "ro")) as source, closing(sqlite3.connect(target)) as copy:
            try:
                source.backup(copy)
            except sqlite3.Error as error:
                raise BackupError(f"The backup was not made: {error} ({target.parent.parent}).") from error
        return
    _postgres("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={target}")


def load(source: Path) -> None:
    """Puts a dump in the place of an empty database, all of it or nothing. Raises BackupError."""
    connection.close()
    if engine() == "sqlite":
        with closing(_open(source, "ro")) as dumped, closing(_open(_sqlite_path(), "rwc")) as target:
            try:
                broken = dumped.execute("PRAGMA quick_check(1)").fetchone()[0]
            except sqlite3.DatabaseError as error:
                broken = str(error)
            if broken != "ok":
                raise BackupError(f"The backup's database is damaged ({broken}); nothing was restored.")
            try:
                dumped.backup(target)
            except sqlite3.Error as error:
                raise BackupError(f"The database was not restored: {error} ({_sqlite_path()}).") from error
        return
    _drop_later_tables(_postgres("pg_restore", "--list", str(source)))
    connection.close()
    _postgres(
        "pg_restore", "--exit-on-error", "--single-transaction", "--clean", "--if-exists", "--no-owner",
        "--no-privileges", str(source),
    )  # fmt: skip


def _drop_later_tables(listed: str) -> None:
    """Empty tables of ours that the backup's version does not have yet: `pg_restore --clean` knows its own alone, which
    these name."""
    there = set(re.findall(r"^\d+; \d+ \d+ TABLE \S+ (\S+)", listed, re.MULTILINE))
    ours = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
    with transaction.atomic(), connection.cursor() as cursor:
        for table in sorted(ours - there):
            cursor.execute(f"DROP TABLE IF EXISTS {connection.ops.quote_name(table)} CASCADE")


@contextmanager
def alone() -> Iterator[None]:
    """Nobody else restores into this database meanwhile, from another machine either. Raises BackupError.

    Over a connection of its own, since the site's are closed on the way. SQLite's file lies in a folder, which is locked.
    """
    if engine() == "sqlite":
        yield
        return
    try:
        own = psycopg.connect(
            _conninfo(), password=connection.settings_dict["PASSWORD"] or None, autocommit=True
        )
    except psycopg.OperationalError as error:
        raise BackupError(
            f"The database does not answer ({one_line(error, 300)}): look at DATABASE_URL."
        ) from error
    with own as held:
        row = held.execute("SELECT pg_try_advisory_lock(%s)", [RESTORE_LOCK]).fetchone()
        if row is None or not row[0]:
            raise BackupError(RESTORING)
        yield


def holds() -> str:
    """A table with rows, other than what `migrate` writes; empty where the database is.

    Whoever else's it is: a restore takes a database for the site's own.
    """
    for table in sorted(set(connection.introspection.table_names()) - MADE_BY_MIGRATING):
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT 1 FROM {connection.ops.quote_name(table)} LIMIT 1")  # noqa: S608
            if cursor.fetchone():
                return table
    return ""


def _sqlite_path() -> Path:
    return Path(connection.settings_dict["NAME"])


def _open(path: Path, mode: str) -> sqlite3.Connection:
    try:
        return sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=60)
    except sqlite3.Error as error:
        raise BackupError(f"{path} could not be opened: {error}") from error


def _conninfo() -> str:
    """The site's database in the words of libpq, without the password."""
    settings = connection.settings_dict
    further = {name: value for name, value in settings["OPTIONS"].items() if name != "pool"}
    own: dict[str, Any] = {
        "dbname": settings["NAME"],
        "host": settings["HOST"] or None,
        "port": settings["PORT"] or None,
        "user": settings["USER"] or None,
    }
    return make_conninfo(**own, **further)


def _postgres(program: str, *arguments: str) -> str:
    """What a program of PostgreSQL prints, against the site's database; the password is in no list of processes."""
    found = _find(program)
    if found is None:
        raise BackupError(
            f"{program} was not found: install PostgreSQL's client programs (Debian's postgresql-client) on this machine."
        )
    server = [] if "--list" in arguments else [f"--dbname={_conninfo()}"]
    command = [found, *server, *arguments]
    password = connection.settings_dict["PASSWORD"]
    secret = {"PGPASSWORD": password} if password else {}
    done = subprocess.run(  # noqa: S603
        command, env={**os.environ, **secret}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
        told = next((line for line in lines if "error" in line.lower()), lines[0])
        raise BackupError(f"{program} failed: {told}")
    return done.stdout


def _find(program: str) -> str | None:
    """Of the server's version, else of the next newer one: it refuses an older program, and a newer one says to it at a
    restore what it does not know yet."""
    found = {
        _version(folder): folder / program
        for pattern in POSTGRES_FOLDERS
        for folder in Path("/").glob(pattern)
        if (folder / program).is_file()
    }
    server: int = getattr(connection, "pg_version", 0) // 10_000
    fitting = sorted(version for version in found if version >= server)
    return str(found[fitting[0]]) if fitting else shutil.which(program)


def _version(path: Path) -> float:
    digits = "".join(sign for sign in f"{path.parent.name}" if sign.isdigit() or sign == ".")
    return float(digits) if digits else 0.0
