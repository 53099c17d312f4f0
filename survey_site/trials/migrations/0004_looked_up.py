from django.db import migrations, models

from survey_site.studies.migrating import AddIndexConcurrently


class Migration(migrations.Migration):

    atomic = False
    dependencies = [
        ('trials', '0003_sealed_settings'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='participant',
            index=models.Index(fields=['study', 'kind', 'consented_at'], name='participant_starts'),
        ),
        AddIndexConcurrently(
            model_name='response',
            index=models.Index(fields=['condition'], name='response_condition'),
        ),
    ]
