"""The part of the monitor that has simulated participants play a study, and takes them out again."""

from typing import TypedDict

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from survey_site.desk.shell import asked_number, study_for
from survey_site.reports import simulating
from survey_site.reports.cached_task import TaskState
from survey_site.studies import audit
from survey_site.studies.models import Study


class SimulationContext(TypedDict):
    """What the fragment prints. Numbers: how many may be asked for."""

    simulated: simulating.Simulated
    simulation: TaskState
    simulation_usual: int
    simulation_fewest: int
    simulation_most: int


def told(study: Study) -> SimulationContext:
    """What the fragment prints: how many there are, and how far a task is."""
    return {
        "simulated": simulating.counted(study),
        "simulation": simulating.SIMULATION.state(simulating.key_of(study)),
        "simulation_usual": simulating.USUAL,
        "simulation_fewest": simulating.FEWEST,
        "simulation_most": simulating.MOST,
    }


@require_http_methods(["GET", "POST"])
def simulate(request: HttpRequest, study: Study) -> HttpResponse:
    """POST asks for simulated participants, or takes them out; GET is the live fragment, fetched while they play."""
    study = study_for(request, study.pk, "edit")
    if request.method == "GET":
        return render(request, "desk/simulation.html", {"study": study, **told(study)})
    if request.POST.get("verb") == "take-out":
        _take_out(request, study)
    else:
        _ask(request, study)
    return redirect("admin:study_monitor", study.pk)


def _ask(request: HttpRequest, study: Study) -> None:
    participants = asked_number(request, "participants", simulating.USUAL)
    if not study.is_open:
        messages.error(
            request, _("The study takes nobody in now; simulated participants come to an open one.")
        )
    elif not simulating.FEWEST <= participants <= simulating.MOST:
        bounds = {"a": simulating.FEWEST, "b": simulating.MOST}
        messages.error(request, _("Write a number of simulated participants from %(a)d to %(b)d.") % bounds)
    elif simulating.SIMULATION.state(simulating.key_of(study)).running:
        messages.error(
            request, _("Simulated participants are in the study just now; wait until they have ended.")
        )
    elif why := simulating.ask(study, participants):
        messages.error(request, _("They could not be asked for: %s") % why)
    else:
        audit.record(request, study, "simulated participants", str(participants))


def _take_out(request: HttpRequest, study: Study) -> None:
    if simulating.SIMULATION.state(simulating.key_of(study)).running:
        messages.error(
            request, _("Simulated participants are in the study just now; wait until they have ended.")
        )
        return
    n = simulating.take_out(study)
    audit.record(request, study, "simulated taken out", str(n))
    told = ngettext("%d simulated participant was taken out.", "%d simulated participants were taken out.", n)
    messages.success(request, told % n)
