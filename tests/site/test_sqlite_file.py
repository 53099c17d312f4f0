"""A kept connection to SQLite never writes into a file that was exchanged under it."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
from pathlib import Path
import django
django.setup()
from django.core.signals import request_started
from django.db import connection
from survey_site import sqlite_file

def tables():
    request_started.send(sender=None)
    connection.close_if_unusable_or_obsolete()
    found = connection.connection is opened
    return found, connection.introspection.table_names()

sqlite_file.keep_to_the_file()
connection.cursor().execute("CREATE TABLE answers (value)")
file, opened = Path(connection.settings_dict["NAME"]), connection.connection
print(tables(), tables())
file.rename(file.with_suffix(".before"))
file.touch()
print(tables())
opened = connection.connection
file.unlink()
print(tables(), file.exists())
"""


def test_it_stays_open_from_request_to_request_until_another_file_lies_under_its_name(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env={**environment, "DATA_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "survey_site.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines() == [
        "(True, ['answers']) (True, ['answers'])",
        "(False, [])",  # the new file, not the one that is gone
        "(False, []) True",
    ], done.stderr
