"""`manage.py study_file STUDY`: the description of a study as readable YAML."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from survey_site.protocols.study_file.write import file_of
from survey_site.studies import audit
from survey_site.studies.lookup import study_named


class Command(BaseCommand):
    help = "Writes all that is decided about a study before its data as a YAML file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("study", help="short name of the study")
        parser.add_argument("--out", type=Path, metavar="FILE", help="default: printed")

    def handle(self, **options: Any) -> None:
        study = study_named(options["study"])
        text = file_of(study)
        if options["out"]:
            options["out"].write_text(text, encoding="utf-8")
        else:
            self.stdout.write(text, ending="")
        audit.record_command(study, "study exported", "as a file")
