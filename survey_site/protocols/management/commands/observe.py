"""manage.py observe STUDY [--trained] [--wait]: has a worker try the synthetic observers on a study as it is."""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from survey_site.protocols import observed
from survey_site.protocols.observed import NothingToObserve
from survey_site.stimuli.observed import ObserverJob
from survey_site.studies import audit, states
from survey_site.studies.lookup import study_named

POLL_SECONDS = 0.5


class Command(BaseCommand):
    help = (
        "Tries the synthetic observers on the maps and pools of a study, and searches pools that are to be hard for "
        "them. A worker (python -m saliency_worker worker) does it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("study", help="short name of the study")
        parser.add_argument(
            "--trained", action="store_true", help="with the trained matcher, which takes longer"
        )
        parser.add_argument("--wait", action="store_true", help="wait until it is done")

    def handle(self, **options: Any) -> None:
        study = study_named(options["study"])
        if study.state == states.State.ARCHIVED:
            raise CommandError(states.archived())
        try:
            job = observed.request(study, trained=options["trained"])
        except NothingToObserve as error:
            raise CommandError(str(error)) from error
        audit.record_command(study, "observers: request", "trained" if options["trained"] else "")
        self.stdout.write(f"the observers of {study.slug}: {job.state}")
        if options["wait"]:
            self.wait(job)

    def wait(self, job: ObserverJob) -> None:
        """Until a worker is done with it, with what must be said of the results. Raises CommandError where it is not."""
        while job.state in (ObserverJob.State.QUEUED, ObserverJob.State.RUNNING):
            time.sleep(POLL_SECONDS)
            try:
                job.refresh_from_db()
            except ObserverJob.DoesNotExist:
                raise CommandError("the request was deleted meanwhile, and its study with it") from None
        if job.state != ObserverJob.State.DONE:
            raise CommandError(f"the observers could not be tried: {job.reason or job.state}")
        for note in job.found.get("notes", []):
            self.stdout.write(note)
        self.stdout.write(f"the observers of {job.study.slug}: {job.state}")
