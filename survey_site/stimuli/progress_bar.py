"""Waits for a worker's jobs with a bar on the command line; the job rows tell how far it is."""

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
IDLE = " (waiting for a worker: python -m saliency_worker worker)"


def wait_for_maps(study: Study, alive: Callable[[], None] = lambda: None) -> jobs.Progress:
    """Returns when all maps of the study are computed or have failed."""
    return wait_for(lambda: jobs.progress(study), "Maps", alive)


def wait_for(
    progress: Callable[[], jobs.Progress], label: str, alive: Callable[[], None] = lambda: None
) -> jobs.Progress:
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
        task = bar.add_task(label)
        while True:
            counts = progress()
            ended = counts.done + counts.failed
            idle = counts.queued > 0 and not counts.running + ended
            bar.update(
                task, total=counts.total, completed=ended, description=f"{label}{IDLE if idle else ''}"
            )
            if counts.settled:
                return counts
            alive()
            time.sleep(POLL_SECONDS)
