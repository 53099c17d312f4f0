"""Signs of a program in place of a person, and of pictures not well seen: who shows which, by what the browser told.

They are hints: nobody is left out by them unless the study declared so (`signs` of the exclusion rules).
"""

from collections.abc import Iterable
from typing import Any

from django.db.models import Count, Q, QuerySet

from survey_site.protocols.models import Protocol
from survey_site.statistics.plan import SIGNS, AnalysisPlan, QualityRules
from survey_site.trials.models import Response, Trial


def conditions(rules: QualityRules) -> dict[str, Q]:
    """By sign: the answers that show it."""
    found = {
        "webdriver": Q(client__webdriver=1),
        "untrusted": Q(client__untrusted__gt=0),
        "no_action": Q(client__actions=0, missing=""),
        "impossible_time": Q(client__impossible_time=1),
        "hidden": Q(client__hidden_ms__gt=0),
        "pasted": Q(client__pasted__gt=0),
        "small_pictures": Q(client__smallest_px__lt=rules.picture_min_px),
        "out_of_view": Q(client__out_of_view__gt=0),
    }
    return {sign: found[sign] for sign in SIGNS}


def signs_of(protocol: Protocol, responses: QuerySet[Response]) -> dict[str, str]:
    """By participant's code the signs in more than the declared share of their trials, separated by `|`; one query.

    Practice is no evidence.
    """
    rules = AnalysisPlan.from_protocol(protocol.content).rules
    asked = {f"with_{sign}": Count("pk", filter=condition) for sign, condition in conditions(rules).items()}
    real = responses.exclude(trial__block=Trial.PRACTICE).order_by()
    rows: Iterable[Any] = real.values("participant__code").annotate(trials=Count("pk"), **asked)
    shown = {}
    for row in rows:
        over = [sign for sign in SIGNS if row[f"with_{sign}"] > rules.signs_share * row["trials"]]
        if over:
            shown[row["participant__code"]] = "|".join(over)
    return shown
