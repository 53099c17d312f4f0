"""An index of a table in use is built while people answer, and built again where the building was broken off."""

from collections.abc import Callable, Iterator

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, models
from django.db.migrations import AddIndex, CreateModel
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState
from django.test.utils import CaptureQueriesContext

from survey_site.studies.migrating import AddIndexConcurrently
from survey_site.studies.models import Study

pytestmark = pytest.mark.django_db(transaction=True)
NAME = "later_index"
OPERATION = AddIndexConcurrently("study", models.Index(fields=["title"], name=NAME))
only_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer")


@pytest.fixture
def add() -> Iterator[Callable[[], list[str]]]:
    """Carries the operation out; returns its statements about indexes."""
    before = ProjectState.from_apps(apps)
    after = before.clone()
    OPERATION.state_forwards("studies", after)

    def carry_out() -> list[str]:
        with CaptureQueriesContext(connection) as captured, connection.schema_editor(atomic=False) as editor:
            OPERATION.database_forwards("studies", editor, before, after)
        return [query["sql"] for query in captured if " INDEX " in query["sql"]]

    yield carry_out
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX IF EXISTS {NAME}")


def test_an_index_that_is_there_is_left(add: Callable[[], list[str]]) -> None:
    assert len(add()) == 1
    assert add() == []


@only_postgresql
def test_it_is_built_without_a_lock_that_answers_wait_for(add: Callable[[], list[str]]) -> None:
    (statement,) = add()
    assert statement.startswith("CREATE INDEX CONCURRENTLY")


@only_postgresql
def test_what_a_break_left_half_built_is_made_anew(add: Callable[[], list[str]]) -> None:
    for slug in ("one", "two"):
        Study.objects.create(slug=slug, title="The same")
    with connection.cursor() as cursor:
        with pytest.raises(IntegrityError):
            cursor.execute(f"CREATE UNIQUE INDEX CONCURRENTLY {NAME} ON studies_study (title)")
        assert len(add()) == 2
        cursor.execute(f"SELECT indisvalid, indisunique FROM pg_index WHERE indexrelid = '{NAME}'::regclass")
        assert cursor.fetchone() == (True, False)


def test_no_migration_adds_an_index_to_a_table_in_use_in_another_way() -> None:
    for (app, name), migration in MigrationLoader(None).disk_migrations.items():
        if not type(migration).__module__.startswith("survey_site."):
            continue
        made = {one.name_lower for one in migration.operations if isinstance(one, CreateModel)}
        beside = [isinstance(one, AddIndexConcurrently) for one in migration.operations]
        # Without a transaction only what can be run again after a break, which these can.
        assert migration.atomic != any(beside) and all(beside) == any(beside), (app, name)
        plain = [one for one in migration.operations if isinstance(one, AddIndex) and not any(beside)]
        assert {one.model_name_lower for one in plain} <= made, (app, name)
