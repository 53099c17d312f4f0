"""manage.py migrate, as Django's; on PostgreSQL no answer waits behind it for longer than about a second."""

from time import sleep
from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import connections

from survey_site.studies.migrating import Held, beside_answers

ATTEMPTS, PAUSE_S = 12, 5  # a minute; in the pauses answers go on


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        """Each migration is done as a whole or not at all, so another attempt goes on with the first that is missing."""
        if options["plan"] or options["check_unapplied"]:  # these change nothing
            super().handle(*args, **options)
            return
        for left in reversed(range(ATTEMPTS)):
            try:
                with beside_answers(connections[options["database"]]):
                    super().handle(*args, **options)
                return
            except Held as held:
                if not left:
                    raise CommandError(
                        f"The database was not brought up to date: {held}. Answers go on and nothing is half done; run "
                        "manage.py migrate again when that has ended."
                    ) from held
                if options["verbosity"]:
                    self.stdout.write(f"\n  Not yet: {held}. Trying again in {PAUSE_S} s.")
                sleep(PAUSE_S)
