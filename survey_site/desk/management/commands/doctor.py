"""manage.py doctor: looks at everything that the site needs and says what to do."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from survey_site.desk.doctor import examine


class Command(BaseCommand):
    help = "Looks at everything that the site needs and says what to do; status 1 where something ails."
    requires_migrations_checks = False

    def handle(self, **options: Any) -> None:
        ailing = 0
        for found in examine():
            ailing += bool(found.problem)
            self.stdout.write(
                f"{'AILS' if found.problem else 'ok':5}{found.part:14} {found.problem or found.told}".rstrip()
            )
        if ailing:
            raise CommandError(f"{ailing} to be mended, see above", returncode=1)
