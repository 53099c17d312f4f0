"""`manage.py verify [STUDY] [--recompute]`: is everything as it was stored, and all there?

Files and protocols by their hashes, rows by seals and chains, scores by the stored answers and the sealed classes.
Without a study all of them, and the site's own log.
`--recompute` has a worker compute every stored map again; nothing is overwritten.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from survey_site.reports import ledger_check, row_check
from survey_site.reports.verify import CheckedThing, findings, not_included, recomputed, unchecked
from survey_site.stimuli import recompute
from survey_site.stimuli.progress_bar import wait_for
from survey_site.studies.lookup import study_named
from survey_site.studies.models import Study

FILES = ("stimuli", "arrays", "pictures")
KINDS = ("protocols", *FILES, "answers")
LEDGER = ("participants", "tickets", "rows", row_check.LOG)


class Command(BaseCommand):
    help = (
        "Checks files, protocols, rows, chains and counts, and computes every score again; "
        "exit status 1 where one differs or is missing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("study", nargs="?", help="short name of the study; without one all of the site")
        parser.add_argument(
            "--recompute",
            action="store_true",
            help="also have a worker (python -m saliency_worker worker) compute every map again and compare",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["study"]:
            self._verify(study_named(options["study"]), options["recompute"])
        else:
            self._verify_site(options["recompute"])

    def _verify_site(self, recompute_too: bool) -> None:
        """Every study, whatever is wrong with the others, and the log of the site."""
        wrong = []
        for study in Study.objects.order_by("pk"):
            try:
                self._verify(study, recompute_too)
            except CommandError as error:
                wrong.append(str(error))
        seen, differing = self._told(row_check.audit_lines(None))
        log = f"the site's log: {seen[row_check.LOG]} lines"
        if differing:
            wrong.append(f"{log}, {differing} differ")
        else:
            self.stdout.write(f"{log}, all as stored")
        if wrong:
            raise CommandError("; ".join(wrong), returncode=1)

    def _verify(self, study: Study, recompute_too: bool) -> None:
        seen, wrong = self._told(findings(study))
        counts = ", ".join(f"{seen[kind]} {kind}" for kind in KINDS)
        media = "" if any(seen[kind] for kind in FILES) else "; no media"
        said, total = f"{counts}{media}", seen.total()
        said += "; " + ", ".join(f"{seen[kind]} {kind}" for kind in LEDGER)
        if seen["models"]:
            said += f", {seen['models']} models"
        for name in not_included(study):
            self.stdout.write(f"model not included: {name}")
        for task, count in unchecked(study).items():
            self.stdout.write(f"not checked: {count} answers of the task {task!r}, which is not installed")
        if count := ledger_check.not_sealed(study):
            self.stdout.write(
                f"not checked: the plans of {count} participants, who came before there was a ledger; see manage.py reseal"
            )
        if recompute_too:
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
