"""The sealed stopping rule of a measurement: whether a design can have it, which looks were taken, and what they ended."""

from datetime import UTC
from typing import Any

from django.db.models import QuerySet

from survey_site.protocols.models import Look, Protocol
from survey_site.statistics.plan import AnalysisPlan
from survey_site.statistics.stopping import StoppingRule, design_problems
from survey_site.statistics.stopping_types import TakenLook
from survey_site.studies.models import Study
from survey_site.tasks import registry
from survey_site.tasks.settings import TRIALS

STOPPING = "document__analysis_plan__stopping"


def rule_of(protocol: Protocol) -> StoppingRule | None:
    """The rule that this seal has; the rest of its document stays in the database."""
    return _first(Protocol.objects.filter(pk=protocol.pk))


def newest_rule(study: Study) -> StoppingRule | None:
    """The rule of the study's newest seal that is no pilot."""
    return _first(study.protocols.filter(pilot=False).order_by("-version"))


def _first(sealed: QuerySet[Protocol]) -> StoppingRule | None:
    found = sealed.values_list(STOPPING, flat=True).first()
    return StoppingRule.from_mapping(found) if found else None


def problems(document: dict[str, Any]) -> list[tuple[str, str]]:
    """What keeps the design of a document from the rule of its plan: (name of the setting, what is wrong)."""
    plan = AnalysisPlan.from_protocol(document)
    if plan.stopping is None:
        return []
    asked = [
        task.outcome.key
        for task in registry.known(document["tasks"])
        if task.effective(document["tasks"][task.name])[TRIALS]
    ]
    return design_problems(
        plan.stopping,
        outcomes=asked,
        columns=plan.columns,
        reference=plan.reference,
        controls=plan.controls,
        target=document["design"]["target_participants"],
    )


def looks_of(protocol: Protocol) -> list[Look]:
    """The looks at the measurement that this seal belongs to, in their order."""
    return list(Look.objects.filter(measurement=protocol.measurement_id).order_by("number"))


def taken(look: Look) -> TakenLook:
    """A look as plain data for the statistics."""
    return {
        "number": look.number,
        "planned": look.planned,
        "participants": look.participants,
        "fraction": look.fraction,
        "closing": look.closing,
        "found": look.found,
        "taken_at": look.taken_at.astimezone(UTC).isoformat(),
    }


def ended(protocol: Protocol) -> str:
    """Why nobody new may be let in under this measurement any more; empty where the looks have not ended it."""
    last = Look.objects.filter(measurement=protocol.measurement_id).order_by("-number").first()
    if last is None or not (last.reached or last.closing):
        return ""
    how = "the boundary was reached" if last.reached else "the study had ended, and its results were computed"
    return (
        f"The sealed stopping rule has ended this measurement at look {last.number} ({last.participants} participants): "
        f"{how}. Whoever came now could not be counted by the rule. “New version” makes the study a draft that can be "
        "sealed anew."
    )
