"""Fixtures for all tests. Data, media and broker files lie in a temporary folder; nothing outlives the run."""

import functools
import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.db.backends.signals import connection_created
from django.test import TransactionTestCase
from django.utils import translation
from hypothesis import settings as hypothesis_settings

# Deadlines measure the machine, not the code: shared cores make them flaky.
hypothesis_settings.register_profile("steady", deadline=None)
hypothesis_settings.load_profile("steady")

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# Playwright's synchronous interface runs an event loop in the test's thread; the tests' own queries there are safe.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

# Nothing that tests write has to survive a power cut; thousands of small pictures would each wait for the disk.
os.fsync = lambda _: None  # type: ignore[assignment]


@connection_created.connect
def _forgetful(sender: object, connection: Any, **_: object) -> None:
    """As fsync above, for what SQLite itself writes."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA synchronous=OFF")


MARK = ".survey-storage"  # survey_site.stimuli.storage is imported once Django is set up
DATABASE_FIXTURES = {"db", "transactional_db", "live_server", "client", "admin_client", "django_db_setup"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what touches the database: those tests run on SQLite and again on PostgreSQL, looks aside."""
    for item in items:
        if item.get_closest_marker("looks"):
            continue
        if item.get_closest_marker("django_db") or DATABASE_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.database)


def pytest_collection_finish() -> None:
    """As survey_site/wsgi.py: what is loaded by now stays, and is not looked through for each network that is let go."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _empty_what_was_filled() -> None:
    """After a test with transactions of its own rows go, but for those that migrations make; Django empties all tables."""
    from django.contrib.auth.models import Permission
    from django.contrib.contenttypes.models import ContentType

    kept = {ContentType._meta.db_table, Permission._meta.db_table}

    def teardown(self: TransactionTestCase) -> None:
        for alias in self._databases_names(include_mirrors=False):  # type: ignore[attr-defined]
            connection = connections[alias]
            name = connection.ops.quote_name
            tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
            tables = sorted({*tables} - kept)
            looks = " UNION ALL ".join(
                f"SELECT {number} WHERE EXISTS (SELECT 1 FROM {name(table)})"
                for number, table in enumerate(tables)
            )
            with connection.cursor() as cursor:
                cursor.execute(looks)
                filled = [tables[number] for (number,) in cursor.fetchall()]
            connection.ops.execute_sql_flush([f"DELETE FROM {name(table)}" for table in filled])

    TransactionTestCase._fixture_teardown = teardown  # type: ignore[attr-defined]


@pytest.fixture(scope="session", autouse=True)
def _served_pictures_encoded_once() -> None:
    """A pure function of bytes; the factories paint the same pictures in every test."""
    from survey_site.protocols import served_images

    served_images.encode = functools.lru_cache(256)(served_images.encode)


@pytest.fixture(autouse=True)
def _plain_static_files(settings: object) -> None:
    """Templates name static files by their plain names, so that tests need no collectstatic."""
    backend = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": backend}  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def _cheap_passwords(settings: object) -> None:
    """The product's hash takes a third of a second by design; tests make hundreds of users."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def _no_protocol_of_another_test() -> None:
    """The site reads a sealed protocol once per process; here the database changes under it."""
    if module := sys.modules.get("survey_site.trials.frozen_protocol"):
        module.forget()


@pytest.fixture(autouse=True)
def _counted_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slow counts are kept for a while, and on a busy machine every count is slow."""
    if module := sys.modules.get("survey_site.studies.cached_counts"):
        monkeypatch.setattr(module, "SLOW_SECONDS", float("inf"))


@pytest.fixture
def counts_are_kept(_counted_anew: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As on a site so large that everything is slow to count."""
    from django.core.cache import cache

    from survey_site.studies import cached_counts

    monkeypatch.setattr(cached_counts, "SLOW_SECONDS", -1)
    monkeypatch.setattr(cached_counts, "SHARE", 1e12)
    cache.clear()
    yield
    cache.clear()


@pytest.fixture(autouse=True)
def _language_of_no_other_test() -> None:
    """Django keeps the language of a request in its thread until the next; tests share the thread."""
    translation.deactivate()


@pytest.fixture
def shared() -> Path:
    """The folder of real data beside the checkout; a test that needs it is skipped where it is absent."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not (folder / "weights").is_dir():
        pytest.skip("needs ../shared (real weights and pictures), which is not part of the product")
    return folder


@pytest.fixture
def media(tmp_path: Path, settings: object) -> Iterator[Path]:
    """An empty storage of its own; tests may make rows before the files that these name."""
    folder = tmp_path / "media"
    folder.mkdir()
    (folder / MARK).touch()
    options = {
        "BACKEND": "survey_site.stimuli.storage.AtomicFileSystemStorage",
        "OPTIONS": {"location": str(folder)},
    }
    settings.STORAGES = {**settings.STORAGES, "default": options}  # type: ignore[attr-defined]
    yield folder


@pytest.fixture(scope="session")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Name of a tiny saved classifier with which the real engine runs in a moment."""
    from tests.worker.tiny import tiny_classifier

    return tiny_classifier(tmp_path_factory.mktemp("model"))
