"""`manage.py report STUDY --format json|csv|latex|text`: Table 1 of a study."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from survey_site.protocols import masking
from survey_site.reports.point_report import point_report
from survey_site.reports.population import Population, protocol_of
from survey_site.reports.report_types import StudyReport
from survey_site.reports.table1_formats import FORMATS
from survey_site.studies import audit
from survey_site.studies.lookup import study_named
from survey_site.studies.models import Study
from survey_site.tasks.registry import UnknownTask


class Command(BaseCommand):
    help = "Prints Table 1 of a study, with n and intervals."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("study", help="short name of the study")
        parser.add_argument("--format", choices=sorted(FORMATS), default="text")
        parser.add_argument(
            "--protocol", type=int, help="version of the protocol; default: the newest, no pilot"
        )
        parser.add_argument("--points-only", action="store_true", help="no intervals and tests: at once")
        parser.add_argument(
            "--open-names", action="store_true", help="of a masked study: open the columns' names, and log it"
        )
        parser.add_argument("--include-bots", action="store_true", help="count simulated participants too")
        parser.add_argument("--include-unfinished", action="store_true", help="count who has not finished")
        parser.add_argument("--include-excluded", action="store_true", help="count excluded participants")

    def handle(self, *args: Any, **options: Any) -> None:
        study = study_named(options["study"])
        if options["protocol"] is not None and protocol_of(study, options["protocol"]) is None:
            raise CommandError(f"study {study.slug} has no protocol of version {options['protocol']}")
        population = Population(
            bots=options["include_bots"],
            unfinished=options["include_unfinished"],
            excluded=options["include_excluded"],
        )
        if options["open_names"] and masking.is_masked(study):
            masking.open_names(study, None, "manage.py report --open-names")
        masking.note_shown(study, None)
        try:
            report = self._report(study, population, options["protocol"], options["points_only"])
        except UnknownTask as error:
            raise CommandError(str(error)) from error
        audit.record_command(study, "report opened", options["format"])
        self.stdout.write(FORMATS[options["format"]](report))

    def _report(
        self, study: Study, population: Population, version: int | None, points_only: bool
    ) -> StudyReport:
        if points_only:
            return point_report(study, population, version)
        try:
            from survey_site.reports.analysis import analyse
        except ImportError as error:  # an installation of the web role, without the extra "reports"
            self.stderr.write(
                f"no intervals: {error}; install the extra 'reports', or ask with --points-only"
            )
            return point_report(study, population, version)
        return analyse(study, population, version).report
