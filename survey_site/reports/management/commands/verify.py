"""`manage.py verify STUDY [--recompute]`: do files and protocols still have the hashes that were stored with them?

And do the stored scores follow from the stored answers?
`--recompute` has a worker compute every stored map again; nothing is overwritten.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from survey_site.reports.verify import CheckedThing, findings, not_included, recomputed, unchecked
from survey_site.stimuli import recompute
from survey_site.stimuli.progress_bar import wait_for
from survey_site.studies.lookup import study_named
from survey_site.studies.models import Study

FILES = ("stimuli", "arrays", "pictures")
KINDS = ("protocols", *FILES, "answers")


class Command(BaseCommand):
    help = (
        "Compares stored hashes with protocols and files, and stored scores with the answers; "
        "exit status 1 where one differs or is missing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("study", help="short name of the study")
        parser.add_argument(
            "--recompute",
            action="store_true",
            help="also have a worker (python -m saliency_worker worker) compute every map again and compare",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        study = study_named(options["study"])
        seen, wrong = self._told(findings(study))
        counts = ", ".join(f"{seen[kind]} {kind}" for kind in KINDS)
        media = "" if any(seen[kind] for kind in FILES) else "; no media"
        said, total = f"{counts}{media}", seen.total()
        if seen["models"]:
            said += f", {seen['models']} models"
        for name in not_included(study):
            self.stdout.write(f"model not included: {name}")
        for task, count in unchecked(study).items():
            self.stdout.write(f"not checked: {count} answers of the task {task!r}, which is not installed")
        if options["recompute"]:
            again, differing = self._told(self._recomputed(study))
            wrong, total = wrong + differing, total + again.total()
            kinds = ", ".join(f"{n} {kind}" for kind, n in sorted(again.items()))
            said += f"; recomputed: {kinds or 'no map that was computed here'}"
        if wrong:
            raise CommandError(f"{study.slug}: {wrong} of {total} differ ({said})", returncode=1)
        self.stdout.write(f"{study.slug}: all as stored ({said})")

    def _told(self, found: Iterable[CheckedThing]) -> tuple[Counter[str], int]:
        """Counts by kind, and how many have a problem; each of these is printed."""
        seen: Counter[str] = Counter()
        wrong = 0
        for finding in found:
            seen[finding.kind] += 1
            if finding.problem:
                wrong += 1
                self.stderr.write(f"{finding.kind}: {finding.name}: {finding.problem}")
        return seen, wrong

    def _recomputed(self, study: Study) -> Iterable[CheckedThing]:
        ids = recompute.request(study)
        try:
            wait_for(lambda: recompute.progress(ids), "Recomputing")
        finally:
            recompute.cancel(ids)  # after ^C nobody waits for the rest
        return recomputed(ids)
