"""manage.py retention [--apply]: which identifiers are erased when; with --apply, erases those whose day has come."""

from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand

from survey_site.trials import retention


class Command(BaseCommand):
    help = (
        "Lists the days on which identifiers of recruitment services are erased, as consents state. Workers do it by "
        "themselves; --apply does it now for every day that has come."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--apply", action="store_true", help="erase what is due; without it nothing is changed"
        )

    def handle(self, **options: Any) -> None:
        if options["apply"]:
            done = retention.carry_out()
            for one in done:
                closed = ", and the study is closed" if one.closes else ""
                self.stdout.write(f"{one.study.slug}  {one.day}  {one.ids} identifiers erased{closed}")
            self.stdout.write(f"{len(done)} studies were due")
            return
        today = retention.today()
        for one in retention.upcoming(date.max):
            when = "due" if one.day <= today else f"in {(one.day - today).days} days"
            closes = ", closes" if one.closes else ""
            self.stdout.write(f"{one.study.slug}  {one.day}  {when}  {one.ids} identifiers{closes}")
