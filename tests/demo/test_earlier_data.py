"""`make demo` over the data of an earlier checkout says what to delete, and deletes nothing itself."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EARLIER = """
    create table django_migrations (id integer primary key, app text, name text, applied datetime);
    insert into django_migrations (app, name, applied) values ('trials', '0001_initial', '2026-01-01 00:00:00');
"""


def test_a_database_with_other_migrations_is_refused_in_one_line_and_kept(tmp_path: Path) -> None:
    file = tmp_path / "db.sqlite3"
    with closing(sqlite3.connect(file)) as earlier:
        earlier.executescript(EARLIER)
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    done = subprocess.run(
        [sys.executable, "manage.py", "demo", "--no-serve"],
        cwd=ROOT,
        env={**kept, "DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1, done.stderr
    assert f"{tmp_path} holds the demo data of an earlier checkout" in done.stderr
    assert "delete that folder" in done.stderr
    with closing(sqlite3.connect(file)) as still:
        assert still.execute("select app from django_migrations").fetchall() == [("trials",)]
