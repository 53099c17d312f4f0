"""Attention checks: pure counting; what follows from it is the study's declared rule."""

from collections.abc import Iterable, Mapping
from typing import Any

from survey_site.statistics.plan import QualityRules

DEFAULT_FAILED_CHECKS = QualityRules.failed_checks
EVIDENT = 1
"""The score of a check that asks for no particular answer: its right answer is evident."""


def failed(expected: float | None, score: float | None) -> bool:
    """Whether one check was failed: another score than asked for, or none."""
    return score != (EVIDENT if expected is None else expected)


def excluded_by(failures: Iterable[bool], rules: Mapping[str, Any]) -> bool:
    """Whether so many checks failed as the study declared; `failed_checks: null` in the rules never excludes."""
    limit = rules.get("failed_checks", DEFAULT_FAILED_CHECKS)
    return limit is not None and sum(failures) >= int(limit)
