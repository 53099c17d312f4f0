"""What synthetic observers choose: the work for a worker, and a row for each map in its pool.

Results are keyed by map, pool and how the pictures are served, so that they are computed once, before the freeze, and the
report, the exports and another draft of the study find them again.
"""

from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.db import models

from survey_site.stimuli.leased_rows import Lane, LeasedRow
from survey_site.studies.sealed_rows import SealedRow

VERSION = 1
"""Of the observers: another one makes other rows."""
MEASURE_TASK = "reports.observers"
"""Takes the id of a job that is done, and measures the observers on the planned trials."""


def pool_key(stimuli: Iterable[int]) -> str:
    """A pool by the ids of its candidates, whatever their order."""
    return ",".join(map(str, sorted(stimuli)))


def view_key(colour_map: str, side: int, overlay: bool) -> str:
    """How pictures are served to whoever looks: a part of the key of a result."""
    return f"{VERSION} {colour_map} {side}{' overlay' if overlay else ''}"


class ObserverJob(LeasedRow):
    """The ladder of observers over one draft's maps and pools, for a worker to try."""

    LANE = Lane(
        task="saliency.observe",
        chunk=1,
        lease=lambda: timedelta(seconds=settings.JOB_LEASE_SECONDS),
        most_attempts=lambda: settings.JOB_MAX_ATTEMPTS,
        first_wait=timedelta(seconds=5),
        died="The worker died on these observers several times; look at its log, then ask again.",
        long=True,
        related=("study",),
    )
    study = models.ForeignKey("studies.Study", on_delete=models.CASCADE, related_name="observer_jobs")
    order = models.JSONField(
        help_text="Pools, conditions and how pictures are served, as the draft has them."
    )
    order_hash = models.CharField(max_length=64)
    fraction = models.FloatField(default=0.0, help_text="How far it is, 0 to 1.")
    found = models.JSONField(
        default=dict, blank=True, help_text="Which observers there were, what was left out, pools searched."
    )
    accuracy = models.JSONField(
        default=dict, blank=True, help_text="By column and observer, over the planned trials."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["study", "order_hash"], name="observer_job_once")]

    def __str__(self) -> str:
        return f"observers of {self.study_id} {self.state}"


class ObservedMap(SealedRow):
    """What each observer chooses for one map in one pool, as served.

    found: by observer `choice` (the key of an image, empty where none could be told apart) and `margin`.
    """

    SEALED_WITH_ID = False  # map, pool and view are one row's alone

    saliency_map = models.ForeignKey("stimuli.SaliencyMap", on_delete=models.CASCADE, related_name="observed")
    pool = models.CharField(max_length=200, help_text="Ids of the candidates in rising order.")
    view = models.CharField(max_length=60, help_text="Version of the observers, colour map, pixels.")
    found = models.JSONField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["saliency_map", "pool", "view"], name="observed_map_once")
        ]

    def __str__(self) -> str:
        return f"{self.saliency_map_id} {self.view}"
