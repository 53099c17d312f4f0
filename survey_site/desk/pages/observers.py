"""The part of the check page that shows what synthetic observers find out, and the button that asks for them."""

from typing import TypedDict

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from survey_site.protocols import observed
from survey_site.protocols.observed import NothingToObserve
from survey_site.reports import observer_accuracy
from survey_site.reports.cached_task import TaskState
from survey_site.reports.observer_accuracy import PlannedObservers
from survey_site.stimuli.observed import ObserverJob
from survey_site.studies import audit
from survey_site.studies.models import Study

State = ObserverJob.State


class ObserverContext(TypedDict):
    """What the fragment prints. observers_why: why nothing can be tried. measuring: how the last step stands.

    searches: of each task whose pools were searched, how far that came.
    """

    observers_why: str
    observer_job: ObserverJob | None
    observer_percent: int
    observers_running: bool
    observers_found: PlannedObservers | None
    observer_searches: list[str]
    measuring: TaskState | None


def told(study: Study) -> ObserverContext:
    """What the fragment prints; asks for the measuring where the worker's own request was lost."""
    context: ObserverContext = {
        "observers_why": "",
        "observer_job": None,
        "observer_percent": 0,
        "observers_running": False,
        "observers_found": None,
        "observer_searches": [],
        "measuring": None,
    }
    try:
        job = observed.asked(study).job
    except NothingToObserve as error:
        return context | {"observers_why": str(error)}
    if job is None:
        return context
    context |= {"observer_job": job, "observer_percent": round(100 * job.fraction)}
    if job.state in (State.QUEUED, State.RUNNING):
        return context | {"observers_running": True}
    if job.state != State.DONE:
        return context
    if job.accuracy:
        return context | {
            "observers_found": observer_accuracy.printed(job),
            "observer_searches": _searches(job),
        }
    observer_accuracy.ask(job)
    state = observer_accuracy.MEASURING.state(observer_accuracy.key_of(job))
    return context | {"measuring": state, "observers_running": state.running}


def _searches(job: ObserverJob) -> list[str]:
    return [
        _(
            "%(task)s: of %(judged)d maps × observers, %(before)d found their source in the pools as dealt and %(after)d in "
            "the pools that were searched (%(swaps)d exchanges of %(tries)d tried). It is a search, not a proof that no "
            "harder pools exist."
        )
        % {
            "task": task,
            "judged": own["judged"],
            "before": own["hits_before"],
            "after": own["hits_after"],
            "swaps": own["swaps"],
            "tries": own["tries"],
        }
        for task, own in sorted(job.found.get("search", {}).items())
    ]


@require_http_methods(["GET", "POST"])
def observers(request: HttpRequest, study: Study) -> HttpResponse:
    """POST asks a worker to try the observers; GET is the live fragment, fetched every two seconds while they are."""
    if request.method == "POST":
        try:
            observed.request(study, trained="trained" in request.POST)
        except NothingToObserve as error:
            messages.error(request, str(error))
        else:
            audit.record(request, study, "observers: request", "trained" if "trained" in request.POST else "")
        return redirect("admin:study_check", study.pk)
    return render(request, "desk/observers.html", {"study": study, **told(study)})
