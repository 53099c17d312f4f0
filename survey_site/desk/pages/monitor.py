"""The monitor: a page that renews itself, and the recorded opening of the columns' names."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods

from survey_site.desk.pages import simulation
from survey_site.desk.shell import page, study_for
from survey_site.notifications.models import Watch
from survey_site.notifications.outbox import limits_of
from survey_site.protocols import life, masking
from survey_site.reports import looks
from survey_site.reports import monitor as state
from survey_site.studies import states
from survey_site.studies.access import may_now
from survey_site.studies.errors import SeveralProblems
from survey_site.studies.models import Study
from survey_site.trials.start_rate import recent_starts

ONE_CLICK = ("pause", "resume")


@require_http_methods(["GET", "POST"])
def monitor(request: HttpRequest, study: Study) -> HttpResponse:
    """Shows the study's progress; a POST pauses or resumes it, or opens the columns' names. The log has both."""
    if verb := request.POST.get("verb"):
        return _step(request, study_for(request, study.pk, "edit"), verb)
    if request.method == "POST":
        masking.open_names(study_for(request, study.pk, "results"), request.user.pk, "monitor")
        return redirect("admin:study_monitor", study.pk)
    masking.note_shown(study, request.user.pk)
    context = _context(request, study)
    return page(request, "desk/monitor.html", study, _("Monitor"), **context, **simulation.told(study))


def _step(request: HttpRequest, study: Study, verb: str) -> HttpResponse:
    """One click, where the number of starts is seen."""
    try:
        if verb not in ONE_CLICK:
            raise states.StateForbids([str(_("Choose one of the buttons."))])
        life.step(study, verb, request.user)  # type: ignore[arg-type]
    except SeveralProblems as error:
        for problem in error.problems:
            messages.error(request, problem)
    return redirect("admin:study_monitor", study.pk)


@require_GET
def monitor_live(request: HttpRequest, study: Study) -> HttpResponse:
    """The part that is fetched again every few seconds."""
    return render(request, "desk/monitor_live.html", {"study": study, **_context(request, study)})


class MonitorPage(state.MonitorContext):
    """The counts, how the sealed looks stand, and what the reader may do: see the results, change the study.

    scores: whether those of each column are shown. While sealed looks decide when a masked study stops they are not, by
    letters neither: who sees them drift apart is tempted to stop by eye.
    """

    results: bool
    scores: bool
    edits: bool
    looks: looks.LookStatus | None
    starts: int
    expected_starts: int | None
    steps: list[states.Transition]


def _context(request: HttpRequest, study: Study) -> MonitorPage:
    told, stand = state.context_of(study), looks.status(study)
    return {
        "results": (results := may_now(request, "results", study.pk)),
        "scores": results and not (stand and told["now"].masked),
        "edits": (edits := may_now(request, "edit", study.pk)),
        "looks": stand,
        "starts": recent_starts(study, timezone.now()),
        "expected_starts": limits_of(Watch.objects.filter(study=study).first() or Watch()).starts,
        "steps": [step for step in states.possible(study.state) if edits and step.verb in ONE_CLICK],
        **told,
    }
