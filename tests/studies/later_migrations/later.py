"""What a later version of the program does to the table of answers."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("trials", "__first__")]
    operations = [
        migrations.RunSQL(
            "ALTER TABLE trials_response ADD COLUMN later integer",
            "ALTER TABLE trials_response DROP COLUMN later",
        )
    ]
