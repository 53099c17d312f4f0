"""`manage.py import_study DIR`: a study from a folder of `export_study`."""

from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser

from survey_site.protocols import observed
from survey_site.reports.study_folder import layout
from survey_site.reports.study_folder.layout import BadFolder
from survey_site.reports.study_folder.read import read_folder
from survey_site.studies import audit


class Command(BaseCommand):
    help = "Imports a study from a folder written by export_study, whole or not at all."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR")
        parser.add_argument(
            "--owner", help="user name of the study's owner; default: nobody, superusers see it"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        owner = None
        if options["owner"]:
            owner = get_user_model().objects.filter(username=options["owner"]).first()
            if owner is None:
                raise CommandError(f"there is no user {options['owner']!r}")
        try:
            study = read_folder(options["folder"], owner)
        except BadFolder as error:
            raise CommandError(str(error)) from error
        audit.record_command(study, "imported", str(options["folder"].name))
        people = study.participants.count()
        self.stdout.write(f"{study.slug}: {people} participants; see /reports/{study.slug}/")
        if (options["folder"] / layout.MEDIA).is_dir() and observed.can_be_tried(study):
            self.stdout.write(
                f"what synthetic observers choose is not in the folder: manage.py observe {study.slug} tries them again"
            )
