"""The worker process: Celery with a solo pool, so that TensorFlow lives in one process that never forks.

Beside the queue it sweeps the job rows from a thread, so that a lost broker or message delays work and
never loses it.
"""

import argparse
import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "survey_site.settings")
django.setup()

from celery.signals import worker_ready  # noqa: E402

from saliency_worker import tasks  # noqa: E402, F401  (registers the tasks)
from survey_site.celery import app, while_working  # noqa: E402
from survey_site.stimuli import leased_rows  # noqa: E402
from survey_site.stimuli.models import JOB_KINDS, ObserverJob, OwnModel  # noqa: E402

SWEEP_SECONDS = 10


@worker_ready.connect
def sweep(**_: object) -> int:
    """Looks at the job rows: when the worker is ready, and then every few seconds."""
    return leased_rows.sweep((*JOB_KINDS, OwnModel, ObserverJob))


while_working("the sweep of the jobs", SWEEP_SECONDS, sweep)


def run_worker(argv: list[str] | None = None) -> int:
    """Runs the worker until it is told to stop; returns its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m saliency_worker worker",
        description="Takes precompute jobs from the queue and from the job rows, and stores the maps.",
    )
    parser.add_argument("--queues", default="saliency", help="comma-separated (default: saliency)")
    parser.add_argument("--loglevel", default="info")
    options = parser.parse_args(argv)
    app.worker_main(
        [
            "worker",
            "--pool=solo",
            f"--queues={options.queues}",
            f"--loglevel={options.loglevel}",
            "--without-gossip",
            "--without-mingle",
        ]
    )
    return 0
