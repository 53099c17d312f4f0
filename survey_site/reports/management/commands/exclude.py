"""`manage.py exclude STUDY [--apply]`: who breaks the declared rules; with --apply they leave Table 1."""

from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from survey_site.reports.population import protocol_of
from survey_site.studies import audit
from survey_site.studies.lookup import study_named
from survey_site.tasks.registry import UnknownTask


class Command(BaseCommand):
    help = "Lists participants who break a rule frozen with the protocol; --apply stores their exclusion."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("study", help="short name of the study")
        parser.add_argument(
            "--apply", action="store_true", help="exclude them; without it nothing is changed"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        from survey_site.reports.exclusions import broken_rules, exclude

        protocol = protocol_of(study_named(options["study"]))
        if protocol is None:
            raise CommandError(f"{options['study']} has not gone live: there are no rules yet")
        try:
            reasons = broken_rules(protocol)
        except UnknownTask as error:
            raise CommandError(str(error)) from error
        for code, reason in sorted(reasons.items()):
            self.stdout.write(f"{code}  {reason}")
        counts = ", ".join(f"{reason} {n}" for reason, n in sorted(Counter(reasons.values()).items()))
        self.stdout.write(f"{len(reasons)} participants break a rule" + (f" ({counts})" if counts else ""))
        if options["apply"]:
            excluded = exclude(protocol, reasons)
            audit.record_command(protocol.study, "participants excluded", str(excluded))
            self.stdout.write(f"{excluded} excluded")
