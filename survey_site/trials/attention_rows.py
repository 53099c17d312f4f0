"""How participants fared in the attention checks, by the rows; what follows is the study's declared rule."""

from collections.abc import Mapping
from typing import Any

from django.db.models import F, FloatField, Q, Value
from django.db.models.functions import Cast, Coalesce

from survey_site.trials import attention
from survey_site.trials.models import Participant, Response

REASON = "attention_checks"


def passed() -> Q:
    """Of responses to attention checks: those that passed; the rule of `attention.failed` inside the database."""
    asked = Coalesce(Cast(F("trial__expected"), FloatField()), Value(float(attention.EVIDENT)))
    return Q(score=asked)


def excluded(participant: Participant, rules: Mapping[str, Any]) -> bool:
    """Whether the participant failed as many checks as the rule names."""
    checks = Response.objects.filter(participant=participant, trial__attention_check=True)
    rows = checks.values_list("trial__expected", "score")
    return attention.excluded_by([attention.failed(*row) for row in rows], rules)
