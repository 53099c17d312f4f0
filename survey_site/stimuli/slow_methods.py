"""How far a worker is within an image whose methods take thousands of passes: written now and then, shown while it works."""

from dataclasses import dataclass

from survey_site.stimuli.leased_rows import LeasedRow
from survey_site.stimuli.models import Job, PrecomputeJob
from survey_site.studies.models import Study

SHOWN = 4


@dataclass(frozen=True, slots=True)
class SlowMethod:
    """A method has asked the network ``done`` of ``wanted`` times about an image. place, methods: which of how many such."""

    image: str
    classifier: str
    method: str
    place: int
    methods: int
    done: int
    wanted: int


def note(job: Job, worker: str, *, method: str, place: int, methods: int, done: int, wanted: int) -> None:
    """Writes it into the job, if this worker still has it since the time that the job says."""
    told = {"method": method, "place": place, "methods": methods, "done": done, "wanted": wanted}
    own = type(job)._default_manager.filter(pk=job.pk, worker=worker, state=LeasedRow.State.RUNNING)
    own.filter(started_at=job.started_at).update(progress={**told, "since": _since(job)})


def under_way(study: Study) -> list[SlowMethod]:
    """What workers last said of the study's images that they have now, a few of them. One query."""
    running = PrecomputeJob.objects.filter(stimulus__study=study, state=LeasedRow.State.RUNNING)
    rows = running.filter(progress__isnull=False).select_related("stimulus").order_by("pk")
    found = []
    for job in rows:
        told = dict(job.progress or {})
        if told.pop("since", "") == _since(job):  # else an earlier attempt said it
            found.append(SlowMethod(job.stimulus.key, job.classifier, **told))
    return found[-SHOWN:]


def _since(job: Job) -> str:
    return job.started_at.isoformat() if job.started_at else ""
