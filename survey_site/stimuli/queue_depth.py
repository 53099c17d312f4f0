"""How much waits for workers, for whom and since when; how many workers would do it in time. For metrics, autoscalers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import ceil

from django.db.models import Count, Min, Q
from django.utils import timezone

from survey_site.stimuli.leased_rows import State
from survey_site.stimuli.models import JOB_KINDS


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """Images of one kind of job that wait for a classifier, or are computed now; the oldest waits for so many seconds."""

    kind: str
    classifier: str
    queued: int
    running: int
    oldest_s: float


def queue_depths(now: datetime | None = None) -> list[QueueDepth]:
    """One entry for each kind and classifier with something to do, read from the indexes of what is open."""
    now = now or timezone.now()
    found = []
    for kind in JOB_KINDS:
        rows = (
            kind._default_manager.filter(state__in=[State.QUEUED, State.RUNNING])
            .order_by("classifier")
            .values_list("classifier")
            .annotate(
                queued=Count("pk", filter=Q(state=State.QUEUED)),
                running=Count("pk", filter=Q(state=State.RUNNING)),
                oldest=Min("created_at", filter=Q(state=State.QUEUED)),
            )
        )
        for classifier, queued, running, oldest in rows:
            waits = (now - oldest).total_seconds() if oldest else 0.0
            found.append(QueueDepth(kind.LANE.task, classifier, queued, running, max(waits, 0.0)))
    return found


def workers_wanted(
    depths: Iterable[QueueDepth], seconds_per_image: Mapping[str, float], within_s: float
) -> int:
    """How many workers end all that is open within this time; 0 where nothing is.

    seconds_per_image: of one worker, by classifier; what is not among them counts as the slowest that is. Raises ValueError
    where nothing was measured yet, or the time is not positive.
    """
    open_by_classifier = [(depth.classifier, depth.queued + depth.running) for depth in depths]
    if not sum(images for _, images in open_by_classifier):
        return 0
    if not seconds_per_image or within_s <= 0:
        raise ValueError("Nothing was measured yet, or no time is left: say how long an image takes.")
    slowest = max(seconds_per_image.values())
    seconds = sum(images * seconds_per_image.get(name, slowest) for name, images in open_by_classifier)
    return max(ceil(seconds / within_s), 1)
