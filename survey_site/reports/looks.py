"""Looks at the data under the sealed stopping rule: when one is due, and the asking for it. Imports no statistics.

A look is taken by the worker once the tickets of its participants are all completed, and by nothing else: reading the
monitor takes none, and a look that was taken is not taken again.
"""

from dataclasses import dataclass

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
    protocol = masking.newest(study)
    rule = planned_looks.rule_of(protocol) if protocol else None
    if protocol is None or rule is None or study.state in (Study.State.DRAFT, Study.State.PILOT):
        return None
    taken = planned_looks.looks_of(protocol)
    over = bool(taken) and (taken[-1].reached or taken[-1].closing or len(taken) == len(rule.looks))
    next_at = None if over else rule.looks[len(taken)]
    return LookStatus(rule, taken, next_at, due(study) is not None)


def due(study: Study) -> DueLook | None:
    """The look that can be taken now, if any."""
    protocol = masking.newest(study) if study.state in COLLECTS else None
    rule = planned_looks.rule_of(protocol) if protocol else None
    if protocol is None or rule is None:
        return None
    last = Look.objects.filter(measurement=protocol.measurement_id).order_by("-number").first()
    number = (last.number if last else 0) + 1
    if number > len(rule.looks) or (last and (last.reached or last.closing)):
        return None
    found = DueLook(protocol, rule, number)
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


def sweep() -> int:
    """Asks for every look that is due; returns how many studies had one."""
    asked = 0
    with_rule = Study.objects.filter(
        state__in=COLLECTS,
        pk__in=Protocol.objects.filter(document__analysis_plan__stopping__looks__isnull=False).values(
            "study"
        ),
    )
    for study in with_rule:
        if due(study) is not None:
            ask(study)
            asked += 1
    return asked
