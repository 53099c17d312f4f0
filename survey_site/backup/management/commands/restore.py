"""`manage.py restore FILE`: a backup into an empty installation, and a look at all of it."""

import time
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from survey_site.backup import restoring
from survey_site.backup.errors import BackupError
from survey_site.studies import audit


class Command(BaseCommand):
    help = "Restores a backup into an empty installation, then verifies it; exit status 1 where something differs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="a file of manage.py backup")
        parser.add_argument(
            "--identity", metavar="FILE", help="file of the private key of an encrypted backup"
        )
        parser.add_argument(
            "--other-key",
            action="store_true",
            help="the SECRET_KEY of the site is lost: restore all the same; then manage.py reseal",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        identity = Path(options["identity"]) if options["identity"] else None
        try:
            done = restoring.restore(Path(options["file"]), identity=identity, other_key=options["other_key"])
        except BackupError as error:
            raise CommandError(str(error)) from error
        audit.record_command(None, "backup restored", f"of {done.made_at}")
        self.stdout.write(f"restored the backup of {done.made_at}: {done.files} files, {done.seconds:.1f} s")
        self.stdout.write(
            "answers, withdrawals and deletions of later are not in it: carry out again what was asked for since"
        )
        if not done.known_key:
            self.stdout.write(
                "the seals are those of another key; look at the data, then run manage.py reseal"
            )
            return
        began = time.monotonic()
        call_command("verify", stdout=self.stdout, stderr=self.stderr)
        self.stdout.write(f"verified in {time.monotonic() - began:.1f} s")
