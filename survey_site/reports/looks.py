"""Looks at the data under the sealed stopping rule: when one is due, and the asking for it. Imports no statistics.

A look is taken by the worker once the tickets of its participants are all completed, and by nothing else: reading the
monitor takes none, and a look that was taken is not taken again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from django.db.models import OuterRef, Subquery

from survey_site.protocols import masking, planned_looks
from survey_site.protocols.models import Look, Protocol
from survey_site.reports.cached_task import CachedTask
from survey_site.statistics.stopping import StoppingRule
from survey_site.studies.models import Study
from survey_site.trials.models import Ticket

LOOK = CachedTask("reports.look", silence_s=600)
SWEEP_SECONDS = 30
COLLECTS = (Study.State.LIVE, Study.State.PAUSED)


@dataclass(frozen=True, slots=True)
class DueLook:
    """The next look, whose participants have all finished."""

    protocol: Protocol
    rule: StoppingRule
    number: int

    @property
    def planned(self) -> int:
        return self.rule.looks[self.number - 1]


@dataclass(frozen=True, slots=True)
class LookStatus:
    """What everybody may know while a study runs: looks taken, whether the boundary was reached, when the next one is.

    next_at: participants; `None` after the last look. due: it is being taken.
    """

    rule: StoppingRule
    taken: list[Look]
    next_at: int | None
    due: bool

    @property
    def reached(self) -> bool:
        return bool(self.taken) and self.taken[-1].reached

    @property
    def number(self) -> int:
        """Of the next look."""
        return len(self.taken) + 1

    @property
    def of(self) -> int:
        return len(self.rule.looks)


def status(study: Study) -> LookStatus | None:
    """How the rule of the newest seal stands; None where there is none, or the newest seal is a pilot's."""
    sealed = None if study.state in (Study.State.DRAFT, Study.State.PILOT) else _sealed(study)
    if sealed is None:
        return None
    protocol, rule = sealed
    taken = planned_looks.looks_of(protocol)
    over = bool(taken) and (taken[-1].reached or taken[-1].closing or len(taken) == len(rule.looks))
    next_at = None if over else rule.looks[len(taken)]
    return LookStatus(rule, taken, next_at, _next(study, protocol, rule, taken) is not None)


def due(study: Study) -> DueLook | None:
    """The look that can be taken now, if any."""
    sealed = _sealed(study)
    return _next(study, *sealed, planned_looks.looks_of(sealed[0])) if sealed else None


def _sealed(study: Study) -> tuple[Protocol, StoppingRule] | None:
    """The newest seal that is no pilot, where it has a rule. One query where it has none."""
    rule = planned_looks.newest_rule(study)
    protocol = masking.newest(study) if rule else None
    return (protocol, rule) if protocol and rule else None


def _next(study: Study, protocol: Protocol, rule: StoppingRule, taken: Sequence[Look]) -> DueLook | None:
    if study.state not in COLLECTS or len(taken) == len(rule.looks):
        return None
    if taken and (taken[-1].reached or taken[-1].closing):
        return None
    found = DueLook(protocol, rule, len(taken) + 1)
    # The first tickets, not the first to finish: so the columns stay even over the images at every look.
    full = Ticket.objects.filter(
        protocol=protocol.measurement_id, number__lt=found.planned, state=Ticket.State.COMPLETED
    )
    return found if full.count() == found.planned else None


def ask(study: Study) -> str:
    """Asks for the look that is due, if one is; returns why it could not be asked for, or the empty string."""
    found = due(study)
    if found is None:
        return ""
    return LOOK.ask(key_of(found), [study.pk])


def key_of(look: DueLook) -> str:
    """Under which the task tells how far it is."""
    return f"look:{look.protocol.measurement_id}:{look.number}"


@lru_cache(maxsize=1024)
def _has_rule(sealed_as: str) -> bool:
    """Whether the document of this hash has a stopping rule. Documents are long, and looked for twice a minute."""
    found = Protocol.objects.filter(hash=sealed_as).values_list(planned_looks.STOPPING, flat=True).first()
    return bool(found)


def sweep() -> int:
    """Asks for every look that is due; returns how many studies had one."""
    asked = 0
    newest = (
        Protocol.objects.filter(study=OuterRef("pk"), pilot=False).order_by("-version").values("hash")[:1]
    )
    for study in Study.objects.filter(state__in=COLLECTS).annotate(sealed_as=Subquery(newest)):
        if study.sealed_as and _has_rule(study.sealed_as) and due(study) is not None:
            ask(study)
            asked += 1
    return asked
