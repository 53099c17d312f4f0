"""manage.py rehearse STUDY: does the planned analysis find what was planted into simulated participants?"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import Progress

from survey_site.reports.rehearsal import task as rehearsal
from survey_site.reports.rehearsal.result_types import RecoveredColumn, RehearsalSummary
from survey_site.reports.rehearsal.run import CannotRehearse, run
from survey_site.statistics.column_types import OutcomeName
from survey_site.studies.lookup import study_named


class Command(BaseCommand):
    help = (
        "Simulates studies with and without planted effects under the protocol as it is now, analyses them as "
        "planned, and stores whether the effects were found. Exit 1 where they were not."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("study", help="short name of the study")
        parser.add_argument(
            "--repetitions", type=int, default=rehearsal.USUAL, help="simulated studies of each kind"
        )
        parser.add_argument("--seed", type=int, default=1)

    def handle(self, **options: Any) -> None:
        study = study_named(options["study"])
        if not rehearsal.FEWEST <= options["repetitions"] <= rehearsal.MOST:
            raise CommandError(f"--repetitions must lie between {rehearsal.FEWEST} and {rehearsal.MOST}")
        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("Rehearsal", total=1.0)
            try:
                row = run(
                    study,
                    options["seed"],
                    options["repetitions"],
                    lambda fraction, label: bar.update(task, completed=fraction, description=label),
                )
            except CannotRehearse as error:
                raise CommandError(str(error)) from error
        found: RehearsalSummary = row.summary
        for column in found["columns"]:
            self.stdout.write(
                f"{column['column']:<24}" + "".join(_cell(column, o["key"]) for o in found["outcomes"])
            )
        alarms = ", ".join(f"{name} {count}" for name, count in found["false_alarms"].items())
        self.stdout.write(f"false alarms without effects: {alarms} (at most {found['allowed_false_alarms']})")
        if not row.passed:
            raise CommandError("the rehearsal did not pass:\n" + "\n".join(found["problems"]))
        self.stdout.write("passed")


def _cell(row: RecoveredColumn, name: OutcomeName) -> str:
    found = row[name]
    if found is None:
        return ""
    return f"  {name}: planted {found['planted']:.2f}, mean {found['mean']:.2f}, in the interval {found['covered']}"
