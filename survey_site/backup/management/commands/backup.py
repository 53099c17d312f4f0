"""`manage.py backup TO [--encrypt-to age1…]`: database and files in one file, while the site is used."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from survey_site.backup import encryption, making
from survey_site.backup.errors import BackupError
from survey_site.studies import audit, seals


class Command(BaseCommand):
    help = (
        "Writes database and files as they are at one moment into one file; the site may be used meanwhile."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "to", nargs="?", help="a new file, or a folder, in which the file is named by the time"
        )
        parser.add_argument(
            "--encrypt-to",
            action="append",
            default=[],
            metavar="KEY",
            help="public key of age (age1…, or ssh-ed25519 …) for which it is encrypted; may be given several times",
        )
        parser.add_argument(
            "--new-key",
            metavar="FILE",
            help="make a private key, print the public one and do no more; keep the file apart from the server",
        )
        parser.add_argument(
            "--without-media", action="store_true", help="the database alone, where files lie in a bucket"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["new_key"]:
                self.stdout.write(encryption.new_key(Path(options["new_key"])))
                return
            if not options["to"]:
                raise BackupError("Say where the backup goes: manage.py backup FOLDER, or a new file.")
            made = making.make(
                Path(options["to"]), recipients=options["encrypt_to"], with_media=not options["without_media"]
            )
        except BackupError as error:
            raise CommandError(str(error)) from error
        audit.record_command(None, "backup made", made.path.name)
        self.stdout.write(
            f"{made.path}: {made.files} files, {made.size / 1e6:.1f} MB, {made.seconds:.1f} s; "
            f"SECRET_KEY is not in it (the name of its key is {seals.key_name()}): keep it elsewhere"
        )
