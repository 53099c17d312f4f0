"""Reads a study's counts, in a number of queries that does not grow with its rows."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Q
from django.db.models.functions import Coalesce

from survey_site.notifications.events import Counts
from survey_site.protocols.models import Protocol
from survey_site.stimuli.models import PrecomputeJob
from survey_site.studies.cached_counts import kept
from survey_site.studies.models import Study
from survey_site.trials import attention
from survey_site.trials.attention_rows import passed
from survey_site.trials.models import Participant, Response, Ticket
from survey_site.trials.start_rate import recent_starts
from survey_site.trials.who_counts import newest_protocol, together_with, who_counts

MOST_REASONS = 5
LONGEST_S = 60
Job, Person = PrecomputeJob.State, Participant.State


def counts_of(study: Study, now: datetime) -> Counts:
    """The study now."""
    return Counts(**_jobs(study), **_lately(study, now, _people(study, now)))


def kept_counts_of(study: Study, now: datetime) -> Counts:
    """The study now, or up to two looks ago where counting takes long; who began just now is always counted."""
    jobs = kept(f"watched-jobs:{study.pk}", lambda: _jobs(study), longest=LONGEST_S)
    people = kept(f"watched-people:{study.pk}", lambda: _people(study, now), longest=LONGEST_S)
    return Counts(**jobs, **_lately(study, now, people))


def _lately(study: Study, now: datetime, people: dict[str, Any]) -> dict[str, Any]:
    """With the people who began just now, where people are counted at all."""
    return {**people, "starts": recent_starts(study, now), "hour": f"{now:%Y-%m-%d %H}h"} if people else {}


def _jobs(study: Study) -> dict[str, Any]:
    jobs = PrecomputeJob.objects.filter(stimulus__study=study)
    found = jobs.exclude(state=Job.CANCELLED).aggregate(
        all=Count("pk"),
        failed=Count("pk", filter=Q(state=Job.FAILED)),
        open=Count("pk", filter=Q(state__in=[Job.QUEUED, Job.RUNNING, Job.PAUSED])),
        last=Max("finished_at"),
    )
    reasons = jobs.filter(state=Job.FAILED).order_by("reason").values_list("reason", flat=True).distinct()
    return {
        "jobs": found["all"],
        "jobs_failed": found["failed"],
        "jobs_open": found["open"],
        "jobs_ended": found["last"].isoformat() if found["last"] else "",
        "reasons": tuple(reason or "no reason was given" for reason in reasons[:MOST_REASONS])
        if found["failed"]
        else (),
    }


def _people(study: Study, now: datetime) -> dict[str, Any]:
    protocol = newest_protocol(study.pk)
    if study.state not in (Study.State.LIVE, Study.State.PAUSED) or protocol is None or protocol.pilot:
        return {}
    people = Participant.objects.filter(together_with(protocol), kind=Participant.Kind.PERSON)
    # Whose lease has run out has left, though nobody came since whose start would have marked them.
    silent_since = now - timedelta(minutes=study.lease_minutes)
    left = Q(state=Person.DROPPED) | Q(state=Person.CONSENTED, last__lt=silent_since)
    found = people.annotate(last=Coalesce("last_seen_at", "consented_at")).aggregate(
        finished=Count("pk", filter=who_counts()),
        ended=Count("pk", filter=Q(state=Person.FINISHED) | left),
        dropped=Count("pk", filter=left),
    )
    recruitment = getattr(study, "recruitment", None)
    quota = recruitment.quota if recruitment else None
    taken = [Ticket.State.LEASED, Ticket.State.COMPLETED]
    return {
        **found,
        **_attention(protocol),
        "version": protocol.measurement.version
        if protocol.measurement
        else protocol.version,  # an amendment is no new occasion
        "target": study.target_participants,
        "quota": quota,
        "places_taken": Ticket.objects.filter(
            protocol=protocol.measurement_id, number__lt=quota, state__in=taken
        ).count()
        if quota
        else 0,
    }


def _attention(protocol: Protocol) -> dict[str, int]:
    """Finished participants with checks, and of those who failed as many as the protocol's rule declares."""
    sealed = Protocol.objects.filter(pk=protocol.pk).values_list("document__exclusion_rules", flat=True)
    limit = (sealed[0] or {}).get("failed_checks", attention.DEFAULT_FAILED_CHECKS)
    if limit is None:
        return {}
    checks = Response.objects.filter(
        together_with(protocol, "participant__"),
        trial__attention_check=True,
        participant__kind=Participant.Kind.PERSON,
        participant__state=Person.FINISHED,
    )
    failures = Count("pk") - Count("pk", filter=passed())
    each = checks.order_by().values("participant").annotate(failures=failures)
    return each.aggregate(
        checked=Count("failures"), failed_attention=Count("failures", filter=Q(failures__gte=int(limit)))
    )
