"""What the templates of the report's page print."""

from typing import NotRequired, TypedDict

from survey_site.protocols.models import Protocol
from survey_site.reports.cached_task import TaskProgress
from survey_site.reports.machine_types import MachineTable
from survey_site.reports.observer_accuracy import PlannedObservers
from survey_site.reports.population import Population
from survey_site.reports.report_types import StudyReport
from survey_site.studies.models import Study


class ReportContext(TypedDict):
    """What the report's templates print. version: of the data. wanted: the statistics are to be asked for.

    unreachable: why they could not be asked for, or empty; progress: how far they are.
    """

    study: Study
    protocol: Protocol | None
    population: Population
    version: str
    report: StudyReport
    computed: bool
    wanted: bool
    has_variants: bool
    planned_observers: PlannedObservers | None
    machine_tables: list[tuple[str, MachineTable]]
    query: str
    unreachable: NotRequired[str]
    progress: NotRequired[TaskProgress | None]


class PageChoice(TypedDict):
    """A link that changes what the page is about; `query`: its query string."""

    label: str
    query: str
    active: bool
