"""The part of the page “Go live” that shows the latest rehearsal, and the button that asks for another."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from survey_site.reports import planned_power, rehearsing
from survey_site.studies import audit, freeze
from survey_site.studies.access import visible_studies
from survey_site.studies.models import Study


def told(study: Study) -> dict[str, Any]:
    """What the fragment prints: the latest result, whether it is of today's draft, and how far a task is."""
    progress = rehearsing.progress_of(study)
    lost = planned_power.lost(progress)
    latest = study.rehearsals.first()
    return {
        "rehearsal": latest,
        "rehearsed_hash": _hash(study)
        if latest and study.state in (Study.State.DRAFT, Study.State.PILOT)
        else "",
        "rehearsal_progress": progress,
        "rehearsal_percent": round(100 * progress["fraction"]) if progress else 0,
        "rehearsal_waiting": planned_power.waiting(progress),
        "rehearsal_running": bool(progress and not progress["failed"] and not lost),
        "rehearsal_lost": lost,
        "rehearsal_usual": rehearsing.USUAL,
        "rehearsal_fewest": rehearsing.FEWEST,
        "rehearsal_most": rehearsing.MOST,
    }


def _hash(study: Study) -> str:
    try:
        return freeze.draft_hash(study)
    except ValueError:  # the draft cannot be laid out as it is now, so it is certainly another
        return "-"


@require_http_methods(["GET", "POST"])
def rehearse(request: HttpRequest, pk: int) -> HttpResponse:
    """POST asks for a rehearsal; GET is the live fragment, fetched every two seconds while it runs."""
    study = get_object_or_404(visible_studies(request.user, "edit"), pk=pk)
    if request.method == "POST":
        _ask(request, study)
        return redirect("admin:study_live", pk)
    return render(request, "studies/rehearsal.html", {"study": study, **told(study)})


def _ask(request: HttpRequest, study: Study) -> None:
    wish = request.POST.get("repetitions", str(rehearsing.USUAL))
    repetitions = int(wish) if wish.isascii() and wish.isdigit() and len(wish) < 6 else 0
    if not rehearsing.FEWEST <= repetitions <= rehearsing.MOST:
        bounds = {"a": rehearsing.FEWEST, "b": rehearsing.MOST}
        messages.error(request, _("Write a number of simulated studies from %(a)d to %(b)d.") % bounds)
    elif problems := freeze.unplannable(study):
        messages.error(request, _("The study cannot be rehearsed yet: %s") % " ".join(problems[:3]))
    elif why := rehearsing.ask(study, study.rehearsals.count() + 1, repetitions):
        messages.error(request, _("The rehearsal could not be asked for: %s") % why)
    else:
        audit.record(request, study, "rehearsal", str(repetitions))
