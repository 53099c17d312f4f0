"""`manage.py verify STUDY`: do files and protocols still have the hashes that were stored with them?"""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from survey_site.reports.management.find import study_named
from survey_site.reports.verify import findings

KINDS = ("protocols", "stimuli", "arrays", "pictures")


class Command(BaseCommand):
    help = "Compares stored hashes with protocols and files; exit status 1 where one differs or is missing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("study", help="slug of the study")

    def handle(self, *args: Any, **options: Any) -> None:
        study = study_named(options["study"])
        seen: Counter[str] = Counter()
        wrong = 0
        for finding in findings(study):
            seen[finding.kind] += 1
            if finding.problem:
                wrong += 1
                self.stderr.write(f"{finding.kind}: {finding.name}: {finding.problem}")
        counts = ", ".join(f"{seen[kind]} {kind}" for kind in KINDS)
        media = "" if any(seen[kind] for kind in KINDS[1:]) else "; no media"
        if wrong:
            raise CommandError(
                f"{study.slug}: {wrong} of {seen.total()} differ ({counts}{media})", returncode=1
            )
        self.stdout.write(f"{study.slug}: all as stored ({counts}{media})")
