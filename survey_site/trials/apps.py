"""What the participants' side listens to."""

from django.apps import AppConfig


class TrialsConfig(AppConfig):
    name = "survey_site.trials"

    def ready(self) -> None:
        from survey_site.protocols.signals import sealed
        from survey_site.trials.leases import take_in

        sealed.connect(take_in, dispatch_uid="trials.take_in")
