"""What is counted of rows of work, from the beginning."""

from django.apps import AppConfig, apps


class StimuliConfig(AppConfig):
    name = "survey_site.stimuli"

    def ready(self) -> None:
        from survey_site.stimuli.leased_rows import LeasedRow
        from survey_site.telemetry import counters

        for model in apps.get_models():
            if issubclass(model, LeasedRow):
                counters.rows_from_zero(str(model._meta.model_name))
