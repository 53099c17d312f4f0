"""Exclusion by the rules that were frozen with the protocol: who breaks one, and the decision to leave them out.

NumPy and SciPy judge; only commands import this module. The rules never look at right or wrong.
"""

from django.db import transaction

from survey_site.protocols.models import Protocol
from survey_site.reports.analysis_rows import trial_columns
from survey_site.reports.point_report import tasks_of
from survey_site.reports.population import Population
from survey_site.statistics import quality
from survey_site.statistics.data import APART, from_columns
from survey_site.statistics.plan import AnalysisPlan
from survey_site.tasks.contract import outcomes
from survey_site.trials import leases
from survey_site.trials.models import Participant
from survey_site.trials.who_counts import together_with


def broken_rules(protocol: Protocol) -> dict[str, str]:
    """The first rule that each participant breaks, by code. Only who is in the primary analysis is judged."""
    trials = from_columns(trial_columns(protocol, Population()))
    judged = trials.select(~trials.exclusion.isin(APART) & (trials.exclusion.codes < 0))
    rules = AnalysisPlan.from_protocol(protocol.content).rules
    asked = outcomes([one.task for one in tasks_of(protocol.study, protocol)])
    return quality.exclusions(judged, rules, asked)


def exclude(protocol: Protocol, reasons: dict[str, str]) -> int:
    """Stores the decision with each participant and gives their tickets to the next ones; returns how many."""
    with transaction.atomic():
        people = Participant.objects.select_for_update().filter(
            together_with(protocol), code__in=reasons, excluded=False
        )
        for person in people:
            person.doubt()
            person.excluded, person.exclusion_reason = True, f"rule: {reasons[person.code]}"
            person.save(update_fields=["excluded", "exclusion_reason"])
            leases.settle(person, completed=False)
        return len(people)
