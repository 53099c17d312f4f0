"""While a site is upgraded, processes of the version before go on writing rows without the columns that are new."""

from django.db.migrations import AddField
from django.db.migrations.loader import MigrationLoader
from django.db.models import NOT_PROVIDED

# The ledger came before the first release: no site was ever upgraded across it while it served people.
BEFORE_THE_FIRST_RELEASE = {"0001_initial", "0002_ledger", "0003_ledger"}


def test_the_database_fills_an_added_column_itself() -> None:
    refused = [
        f"{app}.{name}: {operation.model_name}.{operation.name} needs db_default, or null=True"
        for (app, name), migration in sorted(MigrationLoader(None).disk_migrations.items())
        if migration.__module__.startswith("survey_site.") and name not in BEFORE_THE_FIRST_RELEASE
        for operation in migration.operations
        if isinstance(operation, AddField)
        and not operation.field.null
        and not operation.field.many_to_many
        and operation.field.db_default is NOT_PROVIDED
    ]
    assert not refused
