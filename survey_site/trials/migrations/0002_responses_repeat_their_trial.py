import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Case, OuterRef, Q, Subquery, Value, When

TASKS = [("matching", "Matching"), ("rating", "Rating")]


def copy_from_trials(apps, schema_editor):
    trials = apps.get_model("trials", "Trial").objects.filter(pk=OuterRef("trial_id"))
    counts = Case(When(Q(block="practice") | Q(attention_check=True), then=Value(False)), default=Value(True))
    apps.get_model("trials", "Response").objects.update(
        participant=Subquery(trials.values("participant_id")),
        condition=Subquery(trials.values("condition_id")),
        task=Subquery(trials.values("task")),
        counts=Subquery(trials.annotate(main=counts).values("main")),
    )


class Migration(migrations.Migration):
    dependencies = [
        ("studies", "0001_initial"),
        ("trials", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="response",
            name="participant",
            field=models.ForeignKey(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="responses",
                to="trials.participant",
            ),
        ),
        migrations.AddField(
            model_name="response",
            name="condition",
            field=models.ForeignKey(
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="studies.condition",
            ),
        ),
        migrations.AddField(
            model_name="response",
            name="task",
            field=models.CharField(choices=TASKS, default="", editable=False, max_length=10),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="response",
            name="counts",
            field=models.BooleanField(
                default=True, editable=False, help_text="Neither practice nor an attention check."
            ),
        ),
        migrations.RunPython(copy_from_trials, migrations.RunPython.noop, elidable=True),
        migrations.AlterField(
            model_name="response",
            name="participant",
            field=models.ForeignKey(
                editable=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="responses",
                to="trials.participant",
            ),
        ),
    ]
