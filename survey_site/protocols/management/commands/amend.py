"""manage.py amend STUDY --reason WHY: changes what does not touch the measurement; all answers stay together."""

from argparse import ArgumentParser
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from survey_site.protocols import amendments, measurement
from survey_site.protocols.amendments import TextKey, Wanted
from survey_site.studies.errors import SeveralProblems
from survey_site.studies.lookup import study_named


class Command(BaseCommand):
    help = "Amends a sealed study: texts outside the measurement, title, target or closing date."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("study", help="short name of the study")
        parser.add_argument("--reason", required=True, help="why; stands in report and exports")
        parser.add_argument("--title")
        parser.add_argument("--target", type=int, help="participants wanted")
        parser.add_argument("--closes-on", help="last day, as 2026-12-31; “never” takes it away")
        parser.add_argument(
            "--text",
            action="append",
            default=[],
            metavar="LANGUAGE:KEY=FILE",
            help="a text, such as en:consent=consent.md; may be given several times",
        )

    def handle(self, **options: Any) -> None:
        study = study_named(options["study"])
        before = amendments.newest_of(study)
        target = measurement.target_of(before.content) if before else None
        wanted = Wanted(
            title=options["title"] or study.title,
            target=options["target"] if options["target"] is not None else (target or 0),
            closes_on=_day(options["closes_on"]) if options["closes_on"] else study.closes_on,
            texts=dict(_text(given) for given in options["text"]),
        )
        try:
            made = amendments.amend(study, wanted, options["reason"])
        except SeveralProblems as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"version {made.version} sealed as {made.hash}; all answers stay together")


def _day(given: str) -> date | None:
    try:
        return None if given == "never" else date.fromisoformat(given)
    except ValueError as error:
        raise CommandError(f"--closes-on {given!r} is no day; write it as 2026-12-31, or never") from error


def _text(given: str) -> tuple[TextKey, str]:
    name, _, file = given.partition("=")
    language, _, key = name.partition(":")
    if not (language and key and file):
        raise CommandError(
            f"--text {given!r} is not of the form LANGUAGE:KEY=FILE, such as en:consent=consent.md"
        )
    try:
        return (language, key), Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} cannot be read as UTF-8 text: {error}") from error
