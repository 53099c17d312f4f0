"""As AddIndexConcurrently does it."""

from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("lock_app", "0001_column")]
    operations = [
        migrations.RunSQL(
            "CREATE INDEX CONCURRENTLY benchmark_index ON trials_response (answered_at)",
            "DROP INDEX CONCURRENTLY benchmark_index",
        )
    ]
