"""manage.py delete_study STUDY [--confirm STUDY]: says what a study holds; confirmed, deletes it with everything."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from survey_site.studies.lookup import study_named
from survey_site.studies.states import StateForbids
from survey_site.trials.deletion import delete_study, holdings, refuse_deletion


class Command(BaseCommand):
    help = (
        "Says what would go with a study; with --confirm and its short name once more, deletes it for good."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("study", help="short name of the study")
        parser.add_argument(
            "--confirm", metavar="STUDY", help="the short name once more; nothing brings it back"
        )

    def handle(self, **options: Any) -> None:
        study = study_named(options["study"])
        try:
            refuse_deletion(study)
            if options["confirm"] is None:
                self.stdout.write(f"{study.slug} “{study.title}” holds {holdings(study)}.")
                self.stdout.write(
                    f"Nothing was deleted. To delete all of it for good: --confirm {study.slug}"
                )
                return
            if options["confirm"] != study.slug:
                raise CommandError(
                    f"--confirm {options['confirm']} is not the short name {study.slug}; nothing was deleted"
                )
            self.stdout.write(f"{study.slug} is deleted: {delete_study(study, None)}")
        except StateForbids as error:
            raise CommandError(str(error)) from error
