"""The report of a study with point estimates: what the page, the command, the API and table1.* all print."""

from typing import Any

from survey_site.protocols.models import Protocol
from survey_site.reports.point_sums import analysed_participants, sums_by_condition
from survey_site.reports.population import Population, protocol_of
from survey_site.reports.report_types import StudyReport
from survey_site.reports.table1 import ConditionInfo, columns_of
from survey_site.statistics.published import published_column
from survey_site.studies.models import Study

REPLAY_BANNER = (
    "Reconstruction: aggregates reproduced; individual rows, pool size 4 and all intervals and p-values "
    "synthetic. These are not the authors' data."
)


def point_report(
    study: Study, population: Population | None = None, version: int | None = None
) -> StudyReport:
    """The report's JSON with point estimates and n; intervals are null until the statistics are merged in."""
    population = population or Population()
    protocol = protocol_of(study, version)
    sums = sums_by_condition(protocol, population) if protocol else []
    columns = columns_of(conditions_of(study), sums, headline_of(protocol, study))
    for column in columns:
        paper = published_column(column["column"])
        column["paper"] = {"faith": paper.faith, "index": paper.mean_rating} if paper else None
    return {
        "study": study.slug,
        "title": study.title,
        "origin": study.origin,
        "banner": REPLAY_BANNER if study.origin == Study.Origin.RECONSTRUCTION else None,
        "protocol_hash": protocol.hash if protocol else None,
        "protocol_version": protocol.version if protocol else None,
        "pool_size": pool_size_of(protocol, study),
        "headline": headline_of(protocol, study),
        "population": {
            "participants": analysed_participants(protocol, population) if protocol else 0,
            "primary": population.is_primary,
            "bots": population.bots,
            "unfinished": population.unfinished,
            "excluded": population.excluded,
        },
        "columns": columns,
    }


def conditions_of(study: Study) -> list[ConditionInfo]:
    """The study's conditions as plain data, in the order of the table."""
    return [
        ConditionInfo(c.pk, c.column, c.column_order, c.classifier, c.base, c.method, c.key, c.is_reference)
        for c in study.conditions.all()
    ]


def design_of(protocol: Protocol | None) -> dict[str, Any]:
    return protocol.document.get("design", {}) if protocol else {}


def headline_of(protocol: Protocol | None, study: Study) -> str:
    """Which answer is right: `image` or `class`."""
    return str(design_of(protocol).get("headline", study.headline))


def pool_size_of(protocol: Protocol | None, study: Study) -> int:
    return int(design_of(protocol).get("pool_size", study.pool_size))
