"""Attention checks: pure counting; what follows from it is the study's declared rule."""

from collections.abc import Iterable, Mapping
from typing import Any

from survey_site.statistics.plan import QualityRules

DEFAULT_FAILED_CHECKS = QualityRules.failed_checks


def failed(task: str, expected_rating: int | None, rating: int | None, correct: bool | None) -> bool:
    """Whether one check was failed: an instructed rating not given, or an evident original not picked."""
    if task == "rating":
        return rating != expected_rating
    return not correct


def excluded_by(failures: Iterable[bool], rules: Mapping[str, Any]) -> bool:
    """Whether so many checks failed as the study declared; `failed_checks: null` in the rules never excludes."""
    limit = rules.get("failed_checks", DEFAULT_FAILED_CHECKS)
    return limit is not None and sum(failures) >= int(limit)
