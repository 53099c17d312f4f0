"""manage.py add_images STUDY PATH…: pictures, folders of pictures, or zips into a draft study; and their regions."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from survey_site.stimuli.archives import BadArchive, Upload, read_labels
from survey_site.stimuli.intake import ImagesRefused, add_images
from survey_site.stimuli.models import Stimulus
from survey_site.stimuli.regions import RegionsRefused, add_regions
from survey_site.studies import audit
from survey_site.studies.lookup import study_named


class Command(BaseCommand):
    help = (
        "Adds images to a draft study. The class is the folder's name, unless --class or --labels says more."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("study", help="short name of the study")
        parser.add_argument("paths", nargs="*", type=Path, help="images, folders (read recursively) or zips")
        parser.add_argument("--class", dest="stimulus_class", default="", help="class of all these images")
        parser.add_argument("--labels", type=Path, help="CSV with the columns file,class")
        parser.add_argument(
            "--regions",
            type=Path,
            action="append",
            default=[],
            metavar="FILE",
            help="for the pointing game a CSV with the columns file,left,top,right,bottom, a PNG mask named like its image, "
            "a folder of masks, or a zip of them; several times for several. Paths may be left out",
        )
        parser.add_argument("--reserve", action="store_true", help="for practice and attention checks only")

    def handle(self, **options: Any) -> None:
        study = study_named(options["study"])
        if not options["paths"] and not options["regions"]:
            raise CommandError("name images, folders or zips to add, or regions with --regions")
        try:
            labels = read_labels(options["labels"].read_text("utf-8-sig")) if options["labels"] else {}
            uploads = [
                u for path in options["paths"] for u in uploads_of(path, options["stimulus_class"], labels)
            ]
            role = Stimulus.Role.RESERVE if options["reserve"] else Stimulus.Role.MAIN
            regions = [
                Upload(f"{u.stimulus_class}/{u.name}" if u.stimulus_class else u.name, u.data)
                for path in options["regions"]
                for u in uploads_of(path, "", {})
            ]
            with transaction.atomic():
                intake = add_images(study, uploads, role)
                given = add_regions(study, regions) if regions else []
        except (ImagesRefused, RegionsRefused, BadArchive, OSError) as error:
            raise CommandError(str(error)) from error
        audit.record_command(study, "images added", str(len(intake.added)))
        if given:
            audit.record_command(study, "regions given", str(len(given)))
            self.stdout.write(f"{len(given)} regions")
        for notice in intake.notices:
            self.stdout.write(notice)
        for name in intake.duplicates:
            self.stdout.write(f"{name}: the study has this image already")
        self.stdout.write(f"{len(intake.added)} added, {len(intake.duplicates)} duplicates")


def uploads_of(path: Path, stimulus_class: str, labels: dict[str, str]) -> list[Upload]:
    """The uploads of a file, or of every file below a folder; a file's folder is its class by default."""
    if not path.exists():
        raise ImagesRefused([f"{path}: no such file or folder"])
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    return [
        Upload(
            file.name,
            file,
            labels.get(file.name)
            or stimulus_class
            or (file.parent.name if path.is_dir() and file.parent != path else ""),
        )
        for file in files
        if not file.name.startswith(".")
    ]
