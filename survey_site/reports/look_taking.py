"""Takes the looks of a sealed stopping rule. NumPy and SciPy: only commands and the queue `reports` import it."""

from collections.abc import Sequence
from dataclasses import replace

from django.db import transaction

from survey_site.protocols import life, masking, planned_looks
from survey_site.protocols.models import Look, Protocol
from survey_site.reports import looks
from survey_site.reports.analysis_rows import trial_columns
from survey_site.reports.point_report import tasks_of
from survey_site.reports.population import Population
from survey_site.statistics import quality
from survey_site.statistics.data import from_columns
from survey_site.statistics.estimates import samples_by_column
from survey_site.statistics.multiverse import scored
from survey_site.statistics.plan import AnalysisPlan, QualityRules
from survey_site.statistics.stopping import StoppingRule
from survey_site.statistics.stopping_report import contrasts, is_reached
from survey_site.statistics.stopping_types import LookedContrast, TakenLook
from survey_site.studies import audit, states
from survey_site.studies.models import Study
from survey_site.tasks import registry
from survey_site.trials.models import Participant
from survey_site.trials.who_counts import together_with, who_counts

LEAST_STEP = 0.01  # between the fractions of two looks


def take(study: Study) -> Look | None:
    """Takes the look that is due and pauses the study where its boundary is reached; None where none is due."""
    found = looks.due(study)
    if found is None:
        return None
    people = _codes(found.protocol, found.planned)
    fraction = found.planned / found.rule.looks[-1]
    return _recorded(study, found.protocol, found.rule, found.number, found.planned, people, fraction)


def take_closing(study: Study, protocol: Protocol) -> Look | None:
    """Of a measurement that has ended before its last look: the last one, with everybody who counts.

    Where nobody has seen results under the columns' names the end was not chosen by them, and all that is left of α is
    spent; else what the spending function gives for so many participants. Nobody new is let in afterwards.
    """
    rule = planned_looks.rule_of(protocol)
    if rule is None or protocol.pilot or not _is_over(study, protocol):
        return None
    known = planned_looks.looks_of(protocol)
    if len(known) == len(rule.looks) or (known and (known[-1].reached or known[-1].closing)):
        return None
    people = _codes(protocol, None)
    if not people:
        return None
    number, target = len(known) + 1, rule.looks[-1]
    spent = known[-1].fraction if known else 0.0
    unseen = masking.ended_unseen(study, protocol)
    fraction = 1.0 if unseen else min(1.0, max(len(people) / target, spent + LEAST_STEP))
    planned = rule.looks[number - 1]
    return _recorded(study, protocol, rule, number, planned, people, fraction, closing=True)


def _is_over(study: Study, protocol: Protocol) -> bool:
    """Whether nobody comes under this measurement now; what was imported was decided where it was collected."""
    if study.origin != Study.Origin.COLLECTED:
        return False
    newest = masking.newest(study)
    replaced = newest is not None and newest.measurement_id != protocol.measurement_id
    return replaced or study.state in states.OVER


def _codes(protocol: Protocol, planned: int | None) -> list[str]:
    """Who counts and holds one of the first tickets; all who count without a number."""
    people = Participant.objects.filter(together_with(protocol), who_counts(), kind=Participant.Kind.PERSON)
    if planned is not None:
        people = people.filter(ticket_number__lt=planned)
    return list(people.order_by("pk").values_list("code", flat=True))


def _recorded(
    study: Study,
    protocol: Protocol,
    rule: StoppingRule,
    number: int,
    planned: int,
    people: Sequence[str],
    fraction: float,
    *,
    closing: bool = False,
) -> Look | None:
    """Looks, and stores what was found with its line in the log; None where somebody else was faster.

    Where the boundary is reached the study is paused in the same transaction: a look that is stored is never taken again,
    so that a worker lost in between would leave a study that has ended letting people in.
    """
    plan = AnalysisPlan.from_protocol(
        protocol.content, registry.second_scores(protocol.content.get("tasks", {}))
    )
    now: TakenLook = {
        "number": number,
        "planned": planned,
        "participants": len(people),
        "fraction": fraction,
        "closing": closing,
        "found": found_in(protocol, rule, plan, people),
        "taken_at": "",
    }
    earlier = [planned_looks.taken(look) for look in planned_looks.looks_of(protocol)]
    reached = is_reached(rule, [*earlier, now], plan.alpha)
    with transaction.atomic():
        now_stands = Study.objects.select_for_update().get(pk=study.pk)
        if Look.objects.filter(measurement=protocol.measurement_id, number=number).exists():
            return None
        made = Look.objects.create(
            measurement=protocol.measurement or protocol,
            number=number,
            planned=planned,
            participants=len(people),
            fraction=fraction,
            closing=closing,
            found=now["found"],
            reached=reached,
        )
        word = "boundary reached" if reached else "the study has ended" if closing else "go on"
        told = f"look {number} of {len(rule.looks)}, {len(people)} participants: {word}"
        audit.record_of(None, study, "look taken", told)
        if reached and not closing:
            _pause(now_stands, protocol, made)
    return made


def found_in(
    protocol: Protocol, rule: StoppingRule, plan: AnalysisPlan, people: Sequence[str]
) -> dict[str, LookedContrast]:
    """The rule's contrasts among these participants, from the trials that the report's headline counts."""
    task = next(
        (one.task for one in tasks_of(protocol.study, protocol) if one.task.outcome.key == rule.outcome), None
    )
    compared = [c for c in plan.columns if c != plan.reference and c not in plan.controls]
    columns = [rule.column] if rule.column else compared
    if task is None:
        reason = f"not estimable: no task of the study has {rule.outcome}"
        return {
            name: {"difference": None, "variance": None, "df": None, "reason": reason} for name in columns
        }
    head = replace(plan, rules=QualityRules.off())
    trials = from_columns(trial_columns(protocol, Population())).of_task(task.name)
    kept = scored(quality.analysed(trials, head), head)
    own = kept.select(kept.participant.isin(people))
    return contrasts(samples_by_column(own, [plan.reference, *columns]), plan.reference, columns, plan.level)


def _pause(study: Study, protocol: Protocol, look: Look) -> None:
    """Lets nobody new in; whoever is in the study may finish. A newer measurement has its own looks."""
    newest = masking.newest(study)
    if study.state == Study.State.LIVE and newest and newest.measurement_id == protocol.measurement_id:
        life.step(study, "pause")
        audit.record_of(None, study, "stopped by the sealed rule", f"look {look.number}: boundary reached")
