"""Who counts: the one rule by which targets, quotas, lists and estimates take a participant for an observation."""

from django.db.models import OuterRef, Q, Subquery

from survey_site.protocols.models import Protocol
from survey_site.trials.models import Participant


def who_counts(prefix: str = "", *, unfinished: bool = False, excluded: bool = False) -> Q:
    """Participants who finished, are not excluded and not surplus; `unfinished`, `excluded`: who has not, too.

    prefix: where the participant stands, such as `participant__`. Kinds and protocols are the caller's choice.
    """
    q = Q(**{f"{prefix}surplus": False})
    if not excluded:
        q &= Q(**{f"{prefix}excluded": False})
    if not unfinished:
        q &= Q(**{f"{prefix}state": Participant.State.FINISHED})
    return q


def together_with(protocol: Protocol | None, prefix: str = "") -> Q:
    """Participants under this protocol or another seal of its measurement; nobody where there is none.

    One small query: the ids are told, since a join with the protocols would slow the sums over many answers.
    """
    if protocol is None:
        return Q(pk__in=[])
    return Q(**{f"{prefix}protocol__in": seals_of(protocol)})


def seals_of(protocol: Protocol) -> list[int]:
    """Row ids of the protocols whose answers stand in one table with this one's."""
    return list(Protocol.objects.filter(measurement=protocol.measurement_id).values_list("pk", flat=True))


def in_newest_measurement() -> Q:
    """Participants of the newest measurement of their study, for lists of many studies.

    The newest is looked up for each protocol, of which there are few, and not for each participant.
    """
    newest = Protocol.objects.filter(study=OuterRef("study")).order_by("-version").values("measurement")[:1]
    return Q(protocol__in=Protocol.objects.filter(measurement=Subquery(newest)).values("pk"))


def newest_protocol(study_id: int) -> Protocol | None:
    """The newest protocol of a study, pilot or not, its document left in the database."""
    return Protocol.objects.filter(study=study_id).defer("document").order_by("-version").first()
