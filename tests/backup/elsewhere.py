"""An empty installation beside this one: another database, data folder and process."""

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from django.db import connection

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Elsewhere:
    """Runs `manage.py` there; `more` are further variables of its environment."""

    data: Path
    database: str
    more: dict[str, str] = field(default_factory=dict)

    def manage(self, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
        environment = {
            **os.environ, "DATA_DIR": str(self.data), "DATABASE_URL": self.database, "STORAGE_URL": "",
            "CELERY_BROKER_URL": "", "CACHE_URL": "", "SECRET_KEY": settings.SECRET_KEY, **self.more, **more,
        }  # fmt: skip
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)


@contextmanager
def empty(folder: Path) -> Iterator[Elsewhere]:
    """On the same kind of database as this process uses."""
    folder.mkdir()
    if connection.vendor == "sqlite":
        yield Elsewhere(folder, f"sqlite:///{folder}/elsewhere.sqlite3")
        return
    known = connection.settings_dict
    name = f"elsewhere_{uuid.uuid4().hex[:12]}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    secret = f":{known['PASSWORD']}" if known["PASSWORD"] else ""
    try:
        yield Elsewhere(
            folder, f"postgres://{known['USER']}{secret}@{known['HOST']}:{known['PORT'] or 5432}/{name}"
        )
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
