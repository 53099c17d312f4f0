"""`manage.py reseal`: seals all studies as they are stored now, under the present SECRET_KEY.

For a site that was upgraded from before there were seals, and for one whose key was lost.
"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from survey_site.studies import audit, seals
from survey_site.studies.models import Study
from survey_site.trials import sealing


class Command(BaseCommand):
    help = "Seals every row as it is now: what was changed before, verify does not find afterwards. Look at verify first."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--i-vouch-for-the-data",
            action="store_true",
            dest="vouched",
            help="needed: from now on the rows are taken to be right as they are",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["vouched"]:
            raise CommandError(
                "reseal takes every row to be right as it is now; run manage.py verify, then say "
                "--i-vouch-for-the-data"
            )
        sealing.seal_log(None)
        for study in Study.objects.order_by("pk"):
            count = sealing.seal_study(study)
            audit.record_command(study, "sealed again", f"by key {seals.key_name()}, {count} participants")
            self.stdout.write(f"{study.slug}: sealed, {count} participants")
        audit.record_command(None, "sealed again", f"by key {seals.key_name()}")
