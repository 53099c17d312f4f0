"""manage.py sizing: what this site takes, for planning the next one."""

from typing import Any

from django.core.management.base import BaseCommand

from survey_site.desk.sizing import sizes


class Command(BaseCommand):
    help = "Prints bytes a participant, an image and a map, and maps an hour, as measured in this site's database and files."

    def handle(self, **options: Any) -> None:
        found = list(sizes())
        for one in found:
            self.stdout.write(f"{one.what:36} {one.value:12,.3f} {one.unit:3} (of {one.of:,})".rstrip())
        if not found:
            self.stdout.write("nothing to measure: there are neither participants nor images yet")
