"""Waits for precompute jobs with a bar on the command line; the job rows tell how far it is."""

import time
from collections.abc import Callable

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from survey_site.stimuli import jobs
from survey_site.studies.models import Study

POLL_SECONDS = 0.5


def wait_for_maps(study: Study, alive: Callable[[], None] = lambda: None) -> jobs.Progress:
    """Returns when nothing is queued or running any more; `alive` may raise to end the waiting."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("images"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("Maps")
        while True:
            counts = jobs.progress(study)
            bar.update(task, total=counts.total, completed=counts.done + counts.failed)
            if counts.settled:
                return counts
            alive()
            time.sleep(POLL_SECONDS)
