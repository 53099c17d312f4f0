"""The monitor: a page that renews itself, and the recorded unmasking of the columns' names."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods

from survey_site.desk.shell import page, study_for
from survey_site.reports import monitor as state
from survey_site.studies import audit
from survey_site.studies.access import may
from survey_site.studies.models import Study


@require_http_methods(["GET", "POST"])
def monitor(request: HttpRequest, study: Study) -> HttpResponse:
    """Shows the study's progress; a POST unmasks the columns' names for good, and says who did."""
    if request.method == "POST":
        audit.record(request, study_for(request, study.pk, "results"), state.UNMASKED)
        return redirect("admin:study_monitor", study.pk)
    return page(request, "desk/monitor.html", study, _("Monitor"), **_context(request, study))


@require_GET
def monitor_live(request: HttpRequest, study: Study) -> HttpResponse:
    """The part that is fetched again every few seconds."""
    return render(request, "desk/monitor_live.html", {"study": study, **_context(request, study)})


class MonitorPage(state.MonitorContext):
    """The counts, and what the reader may do: see the results, change the study."""

    results: bool
    edits: bool


def _context(request: HttpRequest, study: Study) -> MonitorPage:
    return {
        "results": may(request.user, "results", study.pk),
        "edits": may(request.user, "edit", study.pk),
        **state.context_of(study),
    }
