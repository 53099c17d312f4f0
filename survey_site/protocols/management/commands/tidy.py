"""manage.py tidy [--apply]: which stored files no row names any more; deletes them."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from survey_site.protocols import unused_files
from survey_site.stimuli import storage

SHOWN = 20


class Command(BaseCommand):
    help = "Lists the stored files that no row names, and their size. Nothing is deleted without --apply."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--apply", action="store_true", help="delete them")
        parser.add_argument(
            "--older-than-hours",
            type=float,
            default=48,
            help="leave what was written later (default: 48; at least 24)",
        )

    def handle(self, **options: Any) -> None:
        found = removed = size = 0
        try:
            storage.claim()
            for file in unused_files.unused(timedelta(hours=options["older_than_hours"])):
                found += 1
                if found <= SHOWN:
                    self.stdout.write(
                        f"{file.path}  {file.size} bytes, written {file.written:%Y-%m-%d %H:%M}"
                    )
                if not options["apply"]:
                    size += file.size
                elif unused_files.remove(file):
                    removed, size = removed + 1, size + file.size
        except (ValueError, OSError) as error:
            raise CommandError(str(error)) from error
        if found > SHOWN:
            self.stdout.write(f"… and {found - SHOWN} more")
        told = f"{removed} of {found} deleted" if options["apply"] else f"{found} files that no row names"
        self.stdout.write(
            f"{told}, {size / 1e6:.1f} MB" + ("" if options["apply"] else "; --apply deletes them")
        )
