"""Who counts: the one rule by which targets, quotas, lists and estimates take a participant for an observation."""

from django.db.models import Q

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
