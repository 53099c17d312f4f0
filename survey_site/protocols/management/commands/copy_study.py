"""`manage.py copy_study STUDY`: a draft of the same design."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from survey_site.protocols.copying import copy_study
from survey_site.studies import audit
from survey_site.studies.errors import SeveralProblems
from survey_site.studies.lookup import study_named
from survey_site.studies.ownership import CannotHandOver, researcher_named


class Command(BaseCommand):
    help = "Makes a draft with the design of another study, its images and maps; no data, no roles, no codes."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("study", help="short name of the study")
        parser.add_argument("slug", help="short name of the copy")
        parser.add_argument("--title", default="", help="default: the study's")
        parser.add_argument("--owner", help="user name; default: the study's owner")
        parser.add_argument("--without-images", action="store_true", help="the design alone")
        parser.add_argument("--without-maps", action="store_true", help="images without their maps")
        parser.add_argument(
            "--without-earlier", action="store_true", help="who took part in the study is not let in"
        )

    def handle(self, **options: Any) -> None:
        study = study_named(options["study"])
        images = not options["without_images"]
        try:
            made = copy_study(
                study,
                researcher_named(options["owner"]) if options["owner"] else study.owner,
                title=options["title"] or study.title,
                slug=options["slug"],
                images=images,
                maps=images and not options["without_maps"],
                without_earlier=options["without_earlier"],
            )
        except (SeveralProblems, CannotHandOver) as error:
            raise CommandError(str(error)) from error
        audit.record_command(made, "study made", f"copy of {study.slug}")
        audit.record_command(study, "study copied", made.slug)
        self.stdout.write(f"{made.slug}: {made.stimuli.count()} images")
