"""manage.py study_state STUDY [STEP]: where a study stands, and the steps of its life but going live."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from survey_site.protocols import life
from survey_site.studies import states
from survey_site.studies.errors import SeveralProblems
from survey_site.studies.lookup import study_named


class Command(BaseCommand):
    help = "Says a study's state and what is possible; with a step, takes it: " + ", ".join(states.BY_VERB)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("study", help="short name of the study")
        parser.add_argument("step", nargs="?", choices=list(states.BY_VERB), help="the step to take")
        parser.add_argument("--reason", default="", help="of an amendment: why it is made")

    def handle(self, **options: Any) -> None:
        study = study_named(options["study"])
        if options["step"]:
            try:
                life.step(study, options["step"], reason=options["reason"])
            except SeveralProblems as error:
                raise CommandError(str(error)) from error
        self.stdout.write(f"{study.slug} is {study.get_state_display().lower()}; possible now:")
        for step in states.possible(study.state):
            self.stdout.write(f"  {step.verb:8} {step.told}")
