from django.db import migrations, models

import survey_site.trials.models


def give_receipts(apps, schema_editor):
    participants = apps.get_model("trials", "Participant").objects
    for pk in participants.values_list("pk", flat=True).iterator():
        participants.filter(pk=pk).update(receipt=survey_site.trials.models.new_token())


class Migration(migrations.Migration):
    dependencies = [
        ("trials", "0002_responses_repeat_their_trial"),
    ]

    operations = [
        migrations.AddField(
            model_name="participant",
            name="acknowledged",
            field=models.JSONField(
                blank=True,
                default=list,
                help_text="Pages between trials that the participant has continued past.",
            ),
        ),
        migrations.AddField(
            model_name="participant",
            name="receipt",
            field=models.CharField(max_length=64, null=True),
        ),
        migrations.RunPython(give_receipts, migrations.RunPython.noop, elidable=True),
        migrations.AlterField(
            model_name="participant",
            name="receipt",
            field=models.CharField(
                default=survey_site.trials.models.new_token,
                help_text="Secret of the withdrawal link.",
                max_length=64,
                unique=True,
            ),
        ),
    ]
