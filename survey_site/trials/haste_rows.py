"""How fast a participant was, by the rows; what follows is the study's declared rule."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from survey_site.trials import haste
from survey_site.trials.models import Participant, Response


def excluded(participant: Participant, rules: Mapping[str, Any], now: datetime) -> bool:
    """Whether the participant, who has just given the last answer, was faster than the rules allow; no query without one.

    An answer's time is the browser's; without JavaScript the server's, from issue to answer, which is never shorter.
    """
    if not haste.has_rule(rules) or participant.consented_at is None:
        return False
    answers = Response.objects.filter(participant=participant, counts=True, missing=Response.Missing.ANSWERED)
    rows = answers.values_list("rt_ms", "answered_at", "trial__issued_at")
    times = [_milliseconds(*row) for row in rows]
    return haste.too_fast((now - participant.consented_at).total_seconds(), times, rules)


def _milliseconds(rt_ms: int | None, answered: datetime | None, issued: datetime | None) -> float | None:
    if rt_ms is not None:
        return rt_ms
    return (answered - issued).total_seconds() * 1000 if answered and issued else None
