"""manage.py import_maps STUDY ZIP|FOLDER: maps made elsewhere into a draft, all of them or none."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from survey_site.stimuli.import_maps import import_maps
from survey_site.stimuli.uploaded_maps import BadMaps
from survey_site.studies import audit
from survey_site.studies.lookup import study_named


class Command(BaseCommand):
    help = (
        "Stores a zip of maps (.npy or PNG) with its manifest (file,stimulus,method,classifier), or what "
        "`python -m saliency_worker explain` wrote (its folder, or a zip of it), in a draft study."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("study", help="short name of the study")
        parser.add_argument("maps", type=Path, help="the zip, or a folder that explain wrote")
        parser.add_argument("--no-conditions", action="store_true", help="add no condition for new methods")

    def handle(self, **options: Any) -> None:
        study = study_named(options["study"])
        path: Path = options["maps"]
        try:
            add = not options["no_conditions"]
            stored = import_maps(study, path.name, path, None, add_conditions=add)
        except BadMaps as error:
            raise CommandError("\n".join(["nothing was stored", *error.problems])) from error
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}") from error
        audit.record_command(study, "maps uploaded", f"{stored.maps} from {path.name}")
        if stored.notice:
            self.stdout.write(stored.notice)
        self.stdout.write(f"{stored.maps} maps stored, {stored.conditions} conditions added")
