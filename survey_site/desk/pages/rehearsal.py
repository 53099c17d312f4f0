"""The part of the page “Go live” that shows the latest rehearsal, and the button that asks for another."""

from typing import TypedDict

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from survey_site.desk.shell import asked_number
from survey_site.protocols import freeze
from survey_site.protocols.models import Rehearsal
from survey_site.reports.cached_task import TaskState
from survey_site.reports.rehearsal import task
from survey_site.studies import audit
from survey_site.studies.models import Study


class RehearsalContext(TypedDict):
    """What the fragment prints. `rehearsed_hash`: of today's draft. Numbers: how many studies may be simulated."""

    rehearsal: Rehearsal | None
    rehearsed_hash: str
    rehearsal_task: TaskState
    rehearsal_usual: int
    rehearsal_fewest: int
    rehearsal_most: int


def told(study: Study, draft: freeze.Draft | None) -> RehearsalContext:
    """What the fragment prints: the latest result, whether it is of today's draft, and how far a task is."""
    return {
        "rehearsal": study.rehearsals.first(),
        "rehearsed_hash": (draft.hash or "-")
        if draft
        else "",  # one that cannot be laid out is certainly another
        "rehearsal_task": task.REHEARSAL.state(task.key_of(study)),
        "rehearsal_usual": task.USUAL,
        "rehearsal_fewest": task.FEWEST,
        "rehearsal_most": task.MOST,
    }


@require_http_methods(["GET", "POST"])
def rehearse(request: HttpRequest, study: Study) -> HttpResponse:
    """POST asks for a rehearsal; GET is the live fragment, fetched every two seconds while it runs."""
    if request.method == "POST":
        _ask(request, study)
        return redirect("admin:study_live", study.pk)
    # The draft is laid out only where there is something to compare it with: this is asked every two seconds.
    draft = draft_shown(study) if study.rehearsals.exists() else None
    return render(request, "desk/rehearsal.html", {"study": study, **told(study, draft)})


def draft_shown(study: Study) -> freeze.Draft | None:
    """The study as it would be sealed now; None once it is live or closed."""
    return freeze.draft_of(study) if study.state in (Study.State.DRAFT, Study.State.PILOT) else None


def _ask(request: HttpRequest, study: Study) -> None:
    repetitions = asked_number(request, "repetitions", task.USUAL)
    if not task.FEWEST <= repetitions <= task.MOST:
        bounds = {"a": task.FEWEST, "b": task.MOST}
        messages.error(request, _("Write a number of simulated studies from %(a)d to %(b)d.") % bounds)
    elif problems := freeze.draft_of(study).problems:
        messages.error(request, _("The study cannot be rehearsed yet: %s") % " ".join(problems[:3]))
    elif why := task.ask(study, study.rehearsals.count() + 1, repetitions):
        messages.error(request, _("The rehearsal could not be asked for: %s") % why)
    else:
        audit.record(request, study, "rehearsal", str(repetitions))
