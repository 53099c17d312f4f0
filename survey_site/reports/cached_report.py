"""What the task has computed, kept in the cache by data version; and the asking for it. Imports no statistics."""

import hashlib
import json
import time
from typing import Literal

from django.core.cache import cache
from django.db.models import Case, Count, F, Max, Q, Sum, When

from survey_site.protocols import masking
from survey_site.protocols.models import Look, Protocol
from survey_site.reports.cached_task import (
    KEEP_SECONDS,
    CachedTask,
    TaskProgress,
    forget_progress,
    progress_of,
    set_progress,
)
from survey_site.reports.point_report import point_report
from survey_site.reports.population import Population
from survey_site.reports.report_types import StudyReport
from survey_site.stimuli.observed import ObserverJob
from survey_site.studies.models import Study
from survey_site.trials.models import Participant, Response
from survey_site.trials.who_counts import together_with

# The page asks by itself: what failed is told, and not tried again at every look.
ANALYSIS = CachedTask(
    "reports.analyse",
    silence_s=90,
    asked_label="waiting for a worker of the queue “reports”",
    asks_again=False,
)
SUPPLEMENT = "supplement"  # the whole report as PDF, kept beside the figures
MANY_PARTICIPANTS = 1000
REST_SECONDS = 300  # after a failure, before other data are tried
FIGURE_FORMATS: dict[Literal["svg", "pdf"], str] = {"svg": "image/svg+xml", "pdf": "application/pdf"}


def data_version(protocol: Protocol, population: Population) -> str:
    """Changes with every counted answer, exclusion, withdrawal and look, when names are hidden or opened, and when
    synthetic observers were tried.

    One pass over participants: the last answer moves its participant's `last_seen_at`, in the same transaction.
    Earlier answers need not; where the unfinished count, theirs are looked at too.
    """
    S = Participant.State
    own = together_with(protocol)
    facts = Participant.objects.filter(own).aggregate(
        people=Count("pk"),
        last=Max("last_seen_at"),
        finished=_sum(Q(state=S.FINISHED)),
        withdrawn=_sum(Q(state=S.WITHDRAWN)),
        excluded=_sum(Q(excluded=True)),
        surplus=_sum(Q(surplus=True)),
    )
    if population.unfinished:
        answers = Response.objects.filter(together_with(protocol, "participant__"))
        open_ones = answers.exclude(participant__state__in=(S.FINISHED, S.WITHDRAWN))
        facts |= open_ones.aggregate(answers=Count("pk"), last_answer=Max("pk"))
    done = protocol.study.observer_jobs.filter(state=ObserverJob.State.DONE)
    facts |= done.aggregate(observed=Max("finished_at"))
    conditions = list(protocol.study.conditions.values_list("column", "column_order", "is_reference"))
    masked = masking.is_masked(protocol.study)
    looks = Look.objects.filter(measurement=protocol.measurement_id).count()
    text = json.dumps([protocol.pk, population.as_query(), facts, conditions, masked, looks], default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _sum(condition: Q) -> Sum:
    # Who they are, not only how many: one excluded and another let in again is a change.
    return Sum(Case(When(condition, then=F("pk"))))


def report_of(version: str) -> StudyReport | None:
    """The finished report of this data version."""
    found: StudyReport | None = cache.get(f"report:{version}")
    return found


def points(study: Study, protocol: Protocol | None, population: Population, version: str) -> StudyReport:
    """The point report; kept by data version where counting takes long, always fresh where it does not."""
    kept: StudyReport | None = cache.get(f"points:{version}") if protocol else None
    if kept is not None:
        return kept
    report = point_report(study, population, protocol.version if protocol else None)
    many = report["population"]["participants"] >= MANY_PARTICIPANTS
    # Only while the data are still those: else it would be kept under what it does not show.
    if protocol and many and version == data_version(protocol, population):
        store_points(version, report)
    return report


def store_points(version: str, report: StudyReport) -> None:
    cache.set(f"points:{version}", report, KEEP_SECONDS)


def figure_of(version: str, name: str, kind: str) -> bytes | None:
    found: bytes | None = cache.get(f"figure:{version}:{name}.{kind}")
    return found


def store_report(version: str, report: StudyReport) -> None:
    """Last of all: a report that is there has its figures."""
    cache.set(f"report:{version}", report, KEEP_SECONDS)
    forget_progress(version)


def store_figure(version: str, name: str, kind: str, data: bytes) -> None:
    cache.set(f"figure:{version}:{name}.{kind}", data, KEEP_SECONDS)


def ask(study: Study, protocol: Protocol, population: Population, version: str) -> str:
    """Sends the task unless it is under way; returns why it could not be sent, or the empty string.

    Nor while it is under way for older data, or has failed for them just now: an open page asks every few seconds, and of
    a study that collects each time for other data.
    """
    if _under_way(protocol, population) not in ("", version):
        return ""
    cache.set(_place(protocol, population), version, KEEP_SECONDS)
    return ANALYSIS.ask(version, [study.pk, protocol.version, population.as_query()])


def begun(protocol: Protocol, population: Population, version: str) -> None:
    """The task works on these data, and no more on those that were there when it was asked for."""
    asked = cache.get(_place(protocol, population))
    set_progress(version, 0.0, "reading")
    cache.set(_place(protocol, population), version, KEEP_SECONDS)
    if asked and asked != version:
        forget_progress(asked)


def progress(protocol: Protocol, population: Population, version: str) -> TaskProgress | None:
    """How far the task is for these data, or for the older ones for which it is under way."""
    return progress_of(version) or progress_of(_under_way(protocol, population))


def _under_way(protocol: Protocol, population: Population) -> str:
    version: str = cache.get(_place(protocol, population)) or ""
    told = progress_of(version) if version else None
    if told and told["failed"]:
        return version if time.time() - told["at"] < REST_SECONDS else ""
    return version if told and ANALYSIS.state(version).running else ""


def _place(protocol: Protocol, population: Population) -> str:
    return f"analysed:{protocol.pk}:{population.as_query()}"
