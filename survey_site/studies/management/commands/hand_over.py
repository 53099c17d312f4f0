"""manage.py hand_over STUDY USER: makes a researcher the owner of a study."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from survey_site.studies.lookup import study_named
from survey_site.studies.ownership import CannotHandOver, hand_over, researcher_named


class Command(BaseCommand):
    help = "Makes a researcher the owner of a study; who owned it before stays as an editor."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("study", help="short name of the study")
        parser.add_argument("user", help="user name of the new owner")

    def handle(self, **options: Any) -> None:
        study = study_named(options["study"])
        try:
            hand_over(study, researcher_named(options["user"]), None, from_whom=study.owner_id)
        except CannotHandOver as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{study.slug} belongs to {options['user']}")
