"""What the participants' side listens to."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate


class TrialsConfig(AppConfig):
    name = "survey_site.trials"

    def ready(self) -> None:
        from survey_site.protocols.signals import sealed
        from survey_site.trials import ledger, triggers
        from survey_site.trials.leases import take_in

        sealed.connect(take_in, dispatch_uid="trials.take_in")
        sealed.connect(ledger.begin_arrivals, dispatch_uid="trials.begin_arrivals")
        pre_migrate.connect(triggers.remove_before_migrations, sender=self, dispatch_uid="trials.no_trigger")
        post_migrate.connect(triggers.install, sender=self, dispatch_uid="trials.trigger")
