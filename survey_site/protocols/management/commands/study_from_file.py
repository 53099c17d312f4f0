"""`manage.py study_from_file FILE`: a draft of the description that `study_file` or a program wrote."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from survey_site.protocols.study_file import plain_yaml, read
from survey_site.stimuli.archives import Upload
from survey_site.studies import audit
from survey_site.studies.errors import SeveralProblems
from survey_site.studies.models import Study
from survey_site.studies.ownership import CannotHandOver, researcher_named


class Command(BaseCommand):
    help = "Makes a draft of a study's file, whole or not at all."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--images",
            nargs="+",
            type=Path,
            default=[],
            metavar="PATH",
            help="its images: files, folders (read recursively) or zips; those that this site has need not be given",
        )
        parser.add_argument("--without-images", action="store_true", help="the design alone")
        parser.add_argument("--slug", default="", help="short name; default: as in the file")
        parser.add_argument("--title", default="", help="default: as in the file")
        parser.add_argument("--owner", help="user name; default: nobody, superusers see it")

    def handle(self, **options: Any) -> None:
        try:
            owner = researcher_named(options["owner"]) if options["owner"] else None
            with options["file"].open("rb") as handle:
                data = handle.read(plain_yaml.MOST_BYTES + 1)
            study = read.make(
                read.read_file(data, slug=options["slug"], title=options["title"]),
                owner,
                uploads=[upload for path in options["images"] for upload in _uploads(path)],
                visible=Study.objects.all(),
                without_images=options["without_images"],
            )
        except (SeveralProblems, CannotHandOver, OSError) as error:
            raise CommandError(str(error)) from error
        audit.record_command(study, "study made", f"of the file {options['file'].name}")
        self.stdout.write(f"{study.slug}: {study.stimuli.count()} images")


def _uploads(path: Path) -> list[Upload]:
    """The files below a folder by their paths in it, which tell two of one name apart."""
    if not path.is_dir():
        return [Upload(path.name, path)]
    files = sorted(file for file in path.rglob("*") if file.is_file() and not file.name.startswith("."))
    return [Upload(file.relative_to(path).as_posix(), file) for file in files]
