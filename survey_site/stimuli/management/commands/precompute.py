"""manage.py precompute STUDY [--wait]: queues what the study's conditions need."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from saliency_worker.measures import ASKED
from survey_site.stimuli import jobs
from survey_site.stimuli.models import PrecomputeJob
from survey_site.stimuli.progress_bar import wait_for_maps
from survey_site.studies import audit, states
from survey_site.studies.lookup import study_named


class Command(BaseCommand):
    help = "Queues the maps that a study needs. A worker (python -m saliency_worker worker) computes them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("study", help="short name of the study")
        parser.add_argument("--classifier", action="append", help="only this one (repeatable)")
        parser.add_argument("--no-metrics", action="store_true", help="leave the machine metrics out")
        parser.add_argument(
            "--measures",
            nargs="+",
            choices=sorted(ASKED),
            default=[],
            help="measure further, at the cost of further passes: "
            + "; ".join(f"{name}: {what}" for name, what in ASKED.items()),
        )
        parser.add_argument("--retry-failed", action="store_true", help="queue failed jobs again")
        parser.add_argument("--wait", action="store_true", help="wait with a progress bar until all are done")

    def handle(self, **options: Any) -> None:
        study = study_named(options["study"])
        if study.state == states.State.ARCHIVED:
            raise CommandError(states.archived())
        if options["retry_failed"]:
            jobs.retry_failed(study)
        if options["no_metrics"] and options["measures"]:
            raise CommandError(
                "--no-metrics leaves everything out that --measures asks for; give one of them"
            )
        try:
            queued = jobs.request(
                study, options["classifier"], metrics=not options["no_metrics"], measures=options["measures"]
            )
        except ValueError as error:
            raise CommandError(str(error)) from error
        audit.record_command(study, "jobs: request", str(queued))
        self.stdout.write(f"{queued} jobs queued")
        if not options["wait"]:
            return
        counts = wait_for_maps(study)
        self.stdout.write(f"{counts.done} done, {counts.failed} failed")
        failed = PrecomputeJob.objects.filter(stimulus__study=study, state=PrecomputeJob.State.FAILED)
        for job in failed.select_related("stimulus")[:20]:
            self.stderr.write(f"{job.stimulus.key} ({job.classifier}): {job.reason}")
        if counts.failed:
            raise CommandError(
                f"{counts.failed} jobs failed; mend the cause, then `precompute --retry-failed`"
            )
