"""manage.py go_live STUDY [--pilot]: seals the protocol and opens the study, or says what is missing."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from survey_site.protocols import freeze, shown_maps
from survey_site.studies.errors import SeveralProblems
from survey_site.studies.lookup import study_named


class Command(BaseCommand):
    help = "Seals the protocol and opens the study; refuses while something is missing, and says what."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("study", help="short name of the study")
        parser.add_argument("--pilot", action="store_true", help="answers never enter the analysis")
        parser.add_argument("--reason", default="", help="of an amendment: why it is made")

    def handle(self, **options: Any) -> None:
        study = study_named(options["study"])
        notices = freeze.notices(study, shown_maps.maps_shown(study))
        try:
            protocol = freeze.go_live(study, pilot=options["pilot"], reason=options["reason"])
        except SeveralProblems as error:
            raise CommandError(str(error)) from error
        for notice in notices:
            self.stdout.write(notice)
        self.stdout.write(f"version {protocol.version} sealed as {protocol.hash}")
