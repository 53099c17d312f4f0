"""As most versions change the table of answers."""

from django.db import migrations


class Migration(migrations.Migration):
    operations = [
        migrations.RunSQL(
            "ALTER TABLE trials_response ADD COLUMN benchmark varchar(10) NOT NULL DEFAULT ''",
            "ALTER TABLE trials_response DROP COLUMN benchmark",
        )
    ]
