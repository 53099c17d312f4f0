"""How a participant fared in the attention checks, by the rows; what follows is the study's declared rule."""

from collections.abc import Mapping
from typing import Any

from survey_site.trials import attention
from survey_site.trials.models import Participant, Response

REASON = "attention_checks"


def excluded(participant: Participant, rules: Mapping[str, Any]) -> bool:
    """Whether the participant failed as many checks as the rule names."""
    checks = Response.objects.filter(participant=participant, trial__attention_check=True)
    rows = checks.values_list("task", "trial__expected_rating", "rating", "correct")
    return attention.excluded_by([attention.failed(*row) for row in rows], rules)
