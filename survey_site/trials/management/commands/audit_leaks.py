"""manage.py audit_leaks STUDY: can answer or method be told from what a browser receives?"""

import sys
from argparse import ArgumentParser
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from survey_site.studies.lookup import study_named
from survey_site.trials.simulation.leak_collector import collect
from survey_site.trials.simulation.leaks import audit
from survey_site.trials.simulation.robot import InProcess, Remote, UnexpectedPage


class Command(BaseCommand):
    help = (
        "Plays bots through a study, records everything a browser receives, the pictures' pixels left out, and "
        "trains classifiers to tell the answer and the method from it, and what else a task keeps to itself. Exit 1 when "
        "they beat chance."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("study", help="short name of an open study")
        parser.add_argument("--participants", type=int, default=30)
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument(
            "--url", default="", help="address of a running site; without it no server is needed"
        )

    def handle(self, **options: Any) -> None:
        study = study_named(options["study"])
        if not study.is_open:
            raise CommandError(
                f"the study is {study.get_state_display().lower()}; go live or start a pilot first"
            )
        site = partial(Remote, options["url"]) if options["url"] else InProcess
        try:
            observations = collect(site, study, options["participants"], options["seed"])
            found = audit(observations, seed=f"audit {options['seed']}")
        except (UnexpectedPage, OSError, ValueError) as error:
            raise CommandError(str(error)) from error
        for result in found.results:
            self.stdout.write(str(result))
        for name, result in found.suspects:
            self.stdout.write(f"  given away by {name}: {result.accuracy:.1%}")
        if found.leaking:
            sys.exit(1)
