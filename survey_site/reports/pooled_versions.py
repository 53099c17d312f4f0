"""Which seals of a study the report pools, which it leaves out, and why: by rule, from the hashes alone."""

from django.db.models import Count

from survey_site.protocols.models import Protocol
from survey_site.reports.report_types import PooledVersion
from survey_site.studies.models import Study
from survey_site.trials.models import Participant
from survey_site.trials.who_counts import who_counts

SAME = "the same measurement: design, stimuli, maps, instructions, questions and analysis plan are unchanged"
OTHER = "another measurement: its answers are of another study"
PILOT = "a pilot: its answers never enter the analysis"
NOT_PILOT = "no pilot, and this report is that of a pilot"
TARGET = "the same measurement, but its target was changed when results were known: its answers stand alone"


def versions_of(study: Study, protocol: Protocol | None) -> tuple[list[PooledVersion], list[PooledVersion]]:
    """The seals that the table of this protocol pools and the others, newest first. Two queries."""
    if protocol is None:
        return [], []
    counted = dict(
        Participant.objects.filter(who_counts(), study=study, kind=Participant.Kind.PERSON)
        .order_by()
        .values_list("protocol")
        .annotate(n=Count("pk"))
    )
    told = [
        _told(one, protocol, counted.get(one.pk, 0))
        for one in study.protocols.defer("document").order_by("-version")
    ]
    return [one for one in told if one["pooled"]], [one for one in told if not one["pooled"]]


def _told(one: Protocol, protocol: Protocol, participants: int) -> PooledVersion:
    return {
        "version": one.version,
        "protocol_hash": one.hash,
        "measurement_hash": one.measurement_hash,
        "pilot": one.pilot,
        "pooled": one.measurement_id == protocol.measurement_id,
        "why": _why(one, protocol),
        "reason": one.reason,
        "sealed_at": one.sealed_at.isoformat() if one.sealed_at else None,
        "participants": participants,
    }


def _why(one: Protocol, protocol: Protocol) -> str:
    if one.measurement_id == protocol.measurement_id:
        return SAME
    if one.pilot != protocol.pilot:
        return PILOT if one.pilot else NOT_PILOT
    return TARGET if one.measurement_hash == protocol.measurement_hash else OTHER


def sentence(pooled: list[PooledVersion], others: list[PooledVersion]) -> str:
    """What a report says of its versions; empty where there is one and nothing to tell."""
    said = []
    if len(pooled) > 1:
        said.append(f"Pools {_named(pooled)}: {SAME}.")
    said += [f"Leaves out version {one['version']}: {one['why']}." for one in others]
    return " ".join(said)


def _named(versions: list[PooledVersion]) -> str:
    numbers = [str(one["version"]) for one in reversed(versions)]
    return f"versions {', '.join(numbers[:-1])} and {numbers[-1]}"
