"""The front page."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from survey_site.studies.access import visible_studies
from survey_site.trials.views.guards import participants_page


@participants_page
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What this site is; signed-in researchers find their studies."""
    staff = request.user.is_authenticated and request.user.is_staff
    studies = visible_studies(request.user, "view").order_by("-created_at")[:20]
    return render(request, "trials/home.html", {"studies": studies, "staff": staff})
