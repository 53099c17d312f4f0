"""What a study's maps still take: how many there are, how many are wanted, and how long the rest will last.

Times come from the job rows themselves, of the same classifier on this installation; where none was ever
computed the time is unknown, and is said to be.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Min, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from survey_site.stimuli import jobs, missing_maps, ranks
from survey_site.stimuli.leased_rows import LeasedRow
from survey_site.stimuli.models import JOB_KINDS, OwnModel, PrecomputeJob
from survey_site.stimuli.own_models import usable
from survey_site.studies import cached_counts
from survey_site.studies.cached_counts import kept
from survey_site.studies.models import Study

State = PrecomputeJob.State
LATEST = 200  # finished images of a classifier from which its pace is taken
UNHEARD = timedelta(seconds=30)
KINDS: tuple[type[LeasedRow], ...] = (*JOB_KINDS, OwnModel)  # what workers of this queue do

Timing = tuple[str, str, datetime, datetime]  # classifier, worker, started, finished


@dataclass(frozen=True, slots=True)
class ComputingPace:
    """Seconds for one image under one classifier, and on how many images they were measured."""

    seconds: float
    images: int


@dataclass(frozen=True, slots=True)
class ClassifierProgress:
    """One classifier of a study: the maps its conditions need, those that are there, the images to explain.

    further: places of the classes that are explained beside the predicted one, such as "2nd".
    """

    classifier: str
    methods: tuple[str, ...]
    maps: int
    maps_wanted: int
    images: int
    images_done: int
    failed: int
    pace: ComputingPace | None
    further: tuple[str, ...] = ()

    @property
    def images_left(self) -> int:
        return self.images - self.images_done

    @property
    def seconds_left(self) -> float | None:
        """None where the pace is unknown; 0 where nothing is left."""
        if not self.images_left:
            return 0.0
        return None if self.pace is None else self.images_left * self.pace.seconds


@dataclass(frozen=True, slots=True)
class Failure:
    """Jobs that failed for one reason under one classifier."""

    classifier: str
    reason: str
    permanent: bool
    jobs: int
    example: str


def paces(finished: Iterable[Timing]) -> dict[str, ComputingPace]:
    """Mean time per image of each classifier.

    A worker takes several images at once: they share their start, and each lasts from the one before it.
    """
    batches: dict[tuple[str, datetime], list[tuple[datetime, str]]] = defaultdict(list)
    for classifier, worker, started, ended in finished:
        batches[(worker, started)].append((ended, classifier))
    spent: dict[str, float] = defaultdict(float)
    images: Counter[str] = Counter()
    for (_worker, started), batch in batches.items():
        before = started
        for ended, classifier in sorted(batch):
            spent[classifier] += (ended - before).total_seconds()
            images[classifier] += 1
            before = ended
    return {name: ComputingPace(max(spent[name], 0.0) / images[name], images[name]) for name in images}


def measured(classifiers: Iterable[str]) -> dict[str, ComputingPace]:
    """The paces of these classifiers from the latest jobs of all studies. One query for each, which reads these alone."""
    times: list[Timing] = []
    for name in sorted(set(classifiers)):
        done = PrecomputeJob.objects.filter(
            state=State.DONE, classifier=name, started_at__isnull=False, finished_at__isnull=False
        )
        latest = done.order_by("-finished_at").values_list("worker", "started_at", "finished_at")[:LATEST]
        times += [(name, worker, start, end) for worker, start, end in latest if start and end]
    return paces(times)


def lines(study: Study) -> list[ClassifierProgress]:
    """One line for each classifier that a condition needs. As many queries, whatever the number of images."""
    wanted = jobs.methods_by_classifier(study)
    images = study.stimuli.count()
    asked = ranks.ranks_of(study)
    needed = {
        name: [(key, rank) for key in keys for rank in ranks.ranks_for(key, asked)]
        for name, keys in wanted.items()
    }
    there = missing_maps.maps_there(study)
    done, failed = _jobs_done(study, wanted)
    pace = measured(wanted)
    return [
        ClassifierProgress(
            classifier=name,
            methods=keys,
            maps=sum(there[(name, *each)] for each in needed[name]),
            maps_wanted=images * len(needed[name]),
            images=images,
            images_done=min(done[name], images),
            failed=failed[name],
            pace=pace.get(name),
            further=tuple(map(ranks.ordinal, ranks.ranks_asked(keys, asked)[1:])),
        )
        for name, keys in wanted.items()
    ]


def _jobs_done(study: Study, wanted: Mapping[str, Sequence[str]]) -> tuple[Counter[str], Counter[str]]:
    """Images finished with all that is wanted under today's settings, and images that failed."""
    rows = kept(f"jobs-by-way:{study.pk}", lambda: _by_way(study))
    own = usable(study)
    options = {name: jobs.job_settings(study, keys, model=own.get(name)) for name, keys in wanted.items()}
    done, failed = Counter[str](), Counter[str]()
    for classifier, methods, settings, state, n in rows:
        if state == State.FAILED:
            failed[classifier] += n
        elif state == State.DONE and classifier in wanted:
            covered = jobs.covers(methods, settings, wanted[classifier], options[classifier])
            done[classifier] += n * covered
    return done, failed


def _by_way(study: Study) -> list[tuple[str, list[str], dict[str, Any], str, int]]:
    """Jobs by classifier, what was asked for, and state."""
    rows = PrecomputeJob.objects.filter(stimulus__study=study).order_by()
    return list(rows.values_list("classifier", "methods", "settings", "state").annotate(n=Count("pk")))


def forget(study: Study) -> None:
    """What pages keep of its jobs and maps is counted anew."""
    jobs.forget_counts(study)
    cached_counts.forget(missing_maps.kept_as(study))


def failures(study: Study, most: int = 30) -> list[Failure]:
    """Failed jobs by reason, the commonest first."""
    rows = (
        PrecomputeJob.objects.filter(stimulus__study=study, state=State.FAILED)
        .order_by()
        .values_list("classifier", "reason", "permanent")
        .annotate(n=Count("pk"), example=Min("stimulus__key"))
        .order_by("-n", "classifier", "reason")
    )
    return [Failure(*row) for row in rows[:most]]


def open_seconds(study: Study) -> tuple[float | None, str]:
    """How long what is queued and running will take with the workers now at it, and whose pace is unknown."""
    rows = (
        PrecomputeJob.objects.filter(stimulus__study=study, state__in=[State.QUEUED, State.RUNNING])
        .order_by()
        .values_list("classifier")
        .annotate(n=Count("pk"), workers=Count("worker", distinct=True, filter=Q(state=State.RUNNING)))
    )
    waiting = list(rows)
    pace = measured(name for name, _n, _workers in waiting)
    if unknown := next((name for name, _n, _workers in waiting if name not in pace), ""):
        return None, unknown
    workers = max((found for _name, _n, found in waiting), default=1)
    return sum(n * pace[name].seconds for name, n, _workers in waiting) / max(workers, 1), ""


def unheard(study: Study, counts: jobs.Progress, now: datetime | None = None) -> bool:
    """Announced a while ago and taken up by nobody, while no worker is at anything else: there is probably none."""
    if not counts.queued or counts.running:
        return False
    now = now or timezone.now()
    ready = PrecomputeJob.objects.filter(stimulus__study=study, state=State.QUEUED)
    ready = ready.filter(Q(not_before=None) | Q(not_before__lt=now - UNHEARD))
    return (
        not ready.filter(Q(announced_at__gte=now - UNHEARD) | Q(created_at__gte=now - UNHEARD)).exists()
        and ready.exists()
        and not any(_is_served(kind, now) for kind in KINDS)
    )


def _is_served(kind: type[LeasedRow], now: datetime) -> bool:
    """Whether a worker holds a row of this kind, of whatever study, or has just ended one."""
    rows = kind._default_manager
    held = rows.filter(state=State.RUNNING, lease_expires_at__gte=now)
    return held.exists() or rows.filter(finished_at__gte=now - UNHEARD).exists()


def in_words(seconds: float) -> str:
    """A duration as one would say it: rounded, never to more than it is known."""
    if seconds < 90:
        n = max(round(seconds), 1)
        return ngettext("about %(n)d second", "about %(n)d seconds", n) % {"n": n}
    if seconds < 90 * 60:
        n = round(seconds / 60)
        return ngettext("about %(n)d minute", "about %(n)d minutes", n) % {"n": n}
    hours = seconds / 3600
    return _("about %(n)s hours") % {"n": f"{hours:.0f}" if hours >= 10 else f"{hours:.1f}"}
