"""The part of the check page that shows the power of the planned comparisons, and the button that asks for it."""

from typing import TypedDict

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from survey_site.design.feasibility import Assessment
from survey_site.protocols import document
from survey_site.reports.cached_task import TaskState
from survey_site.reports.rehearsal import power as planned_power
from survey_site.reports.rehearsal.result_types import PlannedPower
from survey_site.statistics.plan import FEW_ITEMS
from survey_site.studies.models import Study


class PowerTable(PlannedPower):
    """A result as the fragment prints it. rows: (column, expected value in the printed unit, power in percent).

    title, unit, places: of the outcome. within_images: the test holds for these images only.
    """

    title: str
    unit: str
    places: int
    rows: list[tuple[str, float, float | None]]
    all_percent: float
    error_points: float
    few_items: bool


class PowerContext(TypedDict):
    """What the fragment prints; `power_task`: how the task stands, where it is asked and there is no result."""

    power_asked: list[planned_power.PlannedComparison]
    power_tables: list[PowerTable]
    power_task: TaskState | None


def told(study: Study, verdict: Assessment) -> PowerContext:
    """What the fragment prints: the result where it is kept, else how far the task is."""
    asked = planned_power.questions(study, verdict) if verdict.feasible else []
    key = planned_power.key_of(asked)
    result = planned_power.result_of(key) if asked else None
    return {
        "power_asked": asked,
        "power_tables": [_table(found) for found in result or []],
        "power_task": planned_power.POWER.state(key) if asked and result is None else None,
    }


def _table(found: PlannedPower) -> PowerTable:
    """Rows of (column, expected value, power in percent); the reference has no power."""
    outcome = planned_power.outcome_named(found["outcome"])
    rows = [
        (
            name,
            outcome.factor * value,
            None if name not in found["power"] else 100 * found["power"][name],
        )
        for name, value in found["effects"]
    ]
    return {
        **found,
        "title": outcome.title,
        "unit": " %" if outcome.kind == "share" else "",
        "places": outcome.places,
        "rows": rows,
        "all_percent": 100 * found["all"],
        "error_points": 100 * found["error"],
        "few_items": found["items"] < FEW_ITEMS,
    }


@require_http_methods(["GET", "POST"])
def power(request: HttpRequest, study: Study) -> HttpResponse:
    """POST asks for the simulation; GET is the live fragment, fetched every two seconds while it runs."""
    verdict = document.assessment_of(study)
    if request.method == "POST":
        asked = planned_power.questions(study, verdict) if verdict.feasible else []
        if asked and (why := planned_power.ask(asked, planned_power.key_of(asked))):
            messages.error(request, _("The simulation could not be asked for: %s") % why)
        return redirect("admin:study_check", study.pk)
    return render(request, "desk/power.html", {"study": study, **told(study, verdict)})
