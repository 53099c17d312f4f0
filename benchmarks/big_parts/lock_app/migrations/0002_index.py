"""As AddIndexConcurrently does it: nobody waits behind it, so that it may wait itself."""

from typing import Any

from django.db import migrations

from survey_site.studies.migrating import lock_timeout


def _run(schema_editor: Any, *statements: str) -> None:
    with lock_timeout(schema_editor.connection, "0"):
        for statement in statements:
            schema_editor.execute(statement)


def make(_: Any, schema_editor: Any) -> None:
    _run(
        schema_editor,
        "DROP INDEX CONCURRENTLY IF EXISTS benchmark_index",
        "CREATE INDEX CONCURRENTLY benchmark_index ON trials_response (answered_at)",
    )


def remove(_: Any, schema_editor: Any) -> None:
    _run(schema_editor, "DROP INDEX CONCURRENTLY IF EXISTS benchmark_index")


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("lock_app", "0001_column")]
    operations = [migrations.RunPython(make, remove)]
