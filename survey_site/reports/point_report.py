"""The report of a study with point estimates: what the page, the command, the API and table1.* all print."""

from collections.abc import Mapping
from typing import Any, cast

from survey_site.protocols import masking
from survey_site.protocols.models import Protocol
from survey_site.reports import marks
from survey_site.reports.point_sums import analysed_participants, sums_by_condition
from survey_site.reports.pooled_versions import sentence, versions_of
from survey_site.reports.population import Population, protocol_of
from survey_site.reports.report_types import PointReport, StudyReport
from survey_site.reports.table1 import ConditionInfo, StudyTask, columns_of, facts_of, outcomes_of
from survey_site.studies.models import Study
from survey_site.tasks import registry


def point_report(
    study: Study, population: Population | None = None, version: int | None = None
) -> StudyReport:
    """The report's JSON with point estimates and n; intervals are null until the statistics are merged in.

    Raises UnknownTask, whose message is one line, where a task of the study is not installed.
    """
    population = population or Population()
    protocol = protocol_of(study, version)
    tasks = tasks_of(study, protocol)
    sums = sums_by_condition(protocol, population, [one.task for one in tasks]) if protocol else {}
    facts, labels = facts_of(tasks)
    pooled, others = versions_of(study, protocol)
    participants, simulated = analysed_participants(protocol, population) if protocol else (0, 0)
    letters = masking.column_letters(study)
    columns = columns_of(conditions_of(study, letters), sums, tasks, study.is_replication)
    head: PointReport = {
        "study": study.slug,
        "title": study.title,
        "origin": study.origin,
        "banner": marks.banner(study, participants, simulated, masked=bool(letters)),
        "masked": bool(letters),
        "protocol_hash": protocol.hash if protocol else None,
        "measurement_hash": protocol.measurement_hash if protocol else None,
        "protocol_version": protocol.version if protocol else None,
        "versions": pooled,
        "other_versions": others,
        "versions_note": sentence(pooled, others),
        "facts": [{"key": key, "label": label, "value": facts[key]} for key, label in labels.items()],
        "outcomes": outcomes_of(tasks),
        "population": {
            "participants": participants,
            "simulated": simulated,
            "primary": population.is_primary,
            "bots": population.bots,
            "unfinished": population.unfinished,
            "excluded": population.excluded,
        },
        # Of a masked column not even how many variants it has is told.
        "columns": [{**column, "variants": []} for column in columns] if letters else columns,
    }
    return cast(StudyReport, {**facts, **head})


def conditions_of(study: Study, letters: Mapping[str, str]) -> list[ConditionInfo]:
    """The study's conditions as plain data, in the order of the table; letters: by column, while names are hidden."""
    if letters:
        order = masking.in_order(letters)
        return [
            ConditionInfo(c.pk, letters[c.column], order.index(letters[c.column]), "", "", "", "", False)
            for c in study.conditions.all()
        ]
    return [
        ConditionInfo(c.pk, c.column, c.column_order, c.classifier, c.base, c.method, c.key, c.is_reference)
        for c in study.conditions.all()
    ]


def tasks_of(study: Study, protocol: Protocol | None) -> list[StudyTask]:
    """The tasks of the protocol, of the draft where there is none. Raises UnknownTask."""
    stored: dict[str, dict[str, Any]] = protocol.content.get("tasks", {}) if protocol else study.task_settings
    return [StudyTask(task, settings) for task, settings in registry.chosen(stored)]
