"""`manage.py export_study STUDY --out DIR`: the whole study as a folder that another installation can import."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from survey_site.protocols import masking
from survey_site.reports.study_folder.layout import BadFolder
from survey_site.reports.study_folder.write import write_folder
from survey_site.studies import audit
from survey_site.studies.lookup import study_named


class Command(BaseCommand):
    help = "Writes a study, its answers and its media as a folder; without resume links and external ids."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("study", help="short name of the study")
        parser.add_argument("--out", type=Path, required=True, help="folder to write; it may not exist yet")
        parser.add_argument("--no-media", action="store_true", help="leave images, arrays and pictures out")

    def handle(self, *args: Any, **options: Any) -> None:
        study = study_named(options["study"])
        try:
            manifest = write_folder(study, options["out"], media=not options["no_media"])
        except FileNotFoundError as error:
            raise CommandError(f"a file of the study is missing in the storage: {error}") from error
        except BadFolder as error:
            raise CommandError(str(error)) from error
        audit.record_command(study, "exported", "study folder")
        if masking.note_folder(study, None):
            self.stderr.write(
                "The study is masked, and its folder tells which column an answer belongs to: this is in the audit log, "
                "and the target can no longer be amended."
            )
        trials = manifest["files"]["trials.jsonl"]["rows"]
        self.stdout.write(f"{options['out']}: {len(manifest['files'])} files, {trials} trials")
