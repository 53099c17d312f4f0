"""Whoever finished faster than the study declared to be possible: pure, and decided before any code is shown."""

from collections.abc import Iterable, Mapping
from typing import Any

from survey_site.statistics.plan import DoorRules, QualityRules

REASON = "too_fast"


def has_rule(rules: Mapping[str, Any]) -> bool:
    """Whether the study declared anything about haste."""
    return DoorRules.from_mapping(rules) != DoorRules()


def too_fast(seconds: float, answer_ms: Iterable[float | None], rules: Mapping[str, Any]) -> bool:
    """Whether a finished participant was faster than the declared rules allow.

    seconds: from consent to the last answer, by the server's clock. answer_ms: of each counted answer its time in
    milliseconds; None where it is not known, which is never fast.
    """
    door = DoorRules.from_mapping(rules)
    if door.finish_min_s is not None and seconds < door.finish_min_s:
        return True
    times = list(answer_ms)
    least = rules.get("rt_min_ms", QualityRules.rt_min_ms)
    if door.finish_fast_share is None or least is None or not times:
        return False
    fast = sum(time is not None and time < least for time in times)
    return fast > door.finish_fast_share * len(times)
