"""The part of the check page that shows the power of the planned comparisons, and the buttons that ask for it."""

from typing import TypedDict

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from survey_site.design.assessment import Assessment
from survey_site.protocols import document
from survey_site.protocols.models import Protocol
from survey_site.reports.cached_task import TaskState
from survey_site.reports.rehearsal import power as planned_power
from survey_site.reports.rehearsal.result_types import PlannedPower
from survey_site.statistics.plan import FEW_ITEMS
from survey_site.statistics.report_types import SequentialPower
from survey_site.studies.models import Study


class PowerTable(PlannedPower):
    """A result as the fragment prints it. rows: (column, expected value in the printed unit, power in percent).

    title, unit, places: of the outcome. alpha_percent: of the tests. looks: of a stopping rule, with the percentage of the
    simulated studies that end at each; reached_percent: of those that reach its boundary.
    """

    title: str
    unit: str
    places: int
    rows: list[tuple[str, float, float | None]]
    all_percent: float
    error_points: float
    few_items: bool
    alpha_percent: float
    looks: list[tuple[int, float]]
    reached_percent: float | None


class PowerRun(TypedDict):
    """One simulation: with the assumed scatter, or with that of a pilot (its version).

    task: how it stands, where it is asked for and there is no result.
    """

    pilot: int | None
    tables: list[PowerTable]
    task: TaskState | None


class PowerContext(TypedDict):
    """What the fragment prints; power_running: whether it is to be fetched again."""

    power_asked: list[planned_power.PlannedComparison]
    power_runs: list[PowerRun]
    power_running: bool


def told(study: Study, verdict: Assessment) -> PowerContext:
    """What the fragment prints: the results where they are kept, else how far the tasks are."""
    asked = planned_power.questions(study, verdict) if verdict.feasible else []
    pilot = planned_power.pilot_of(study) if asked else None
    sources = [None, pilot] if pilot else [None]
    runs = [_run(study, verdict, source) for source in sources] if asked else []
    running = any(run["task"] is not None and run["task"].running for run in runs)
    return {"power_asked": asked, "power_runs": runs, "power_running": running}


def _run(study: Study, verdict: Assessment, pilot: Protocol | None) -> PowerRun:
    key = planned_power.key_of(planned_power.questions(study, verdict, pilot), pilot)
    result = planned_power.result_of(key)
    return {
        "pilot": pilot.version if pilot else None,
        "tables": [_table(found) for found in result or []],
        "task": planned_power.POWER.state(key) if result is None else None,
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
        "alpha_percent": round(100 * (1 - found["level"]), 6),
        "looks": _looks(found["stopping"]),
        "reached_percent": 100 * found["stopping"]["reached"] if found["stopping"] else None,
    }


def _looks(stopping: SequentialPower | None) -> list[tuple[int, float]]:
    """(participants, percent of the simulated studies that end there) of each look."""
    if stopping is None:
        return []
    return [(n, 100 * share) for n, share in zip(stopping["looks"], stopping["ended"], strict=True)]


@require_http_methods(["GET", "POST"])
def power(request: HttpRequest, study: Study) -> HttpResponse:
    """POST asks for the simulation; GET is the live fragment, fetched every two seconds while it runs."""
    verdict = document.assessment_of(study)
    if request.method == "POST":
        pilot = planned_power.pilot_of(study) if request.POST.get("scatter") == "pilot" else None
        asked = planned_power.questions(study, verdict, pilot) if verdict.feasible else []
        if request.POST.get("scatter") == "pilot" and pilot is None:
            messages.error(request, _("There is no pilot that anybody finished."))
        elif asked and (why := planned_power.ask(asked, planned_power.key_of(asked, pilot))):
            messages.error(request, _("The simulation could not be asked for: %s") % why)
        return redirect("admin:study_check", study.pk)
    return render(request, "desk/power.html", {"study": study, **told(study, verdict)})
