"""The front page."""

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from survey_site.studies.access import visible_studies
from survey_site.studies.models import Study
from survey_site.trials.views.guards import participants_page

DEMO_SLUG = "demo"
SHOWN = 20


@participants_page
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What this site is and where to go; signed-in researchers find their studies, a new site is told what to do first."""
    staff = request.user.is_authenticated and request.user.is_staff
    studies = visible_studies(request.user, "view").order_by("-created_at")[:SHOWN]
    context = {
        "studies": studies,
        "staff": staff,
        "demo": open_demo(),
        "unclaimed": not staff and not User.objects.filter(is_staff=True, is_active=True).exists(),
    }
    return render(request, "trials/home.html", context)


def open_demo() -> Study | None:
    """The demo where it takes participants. It alone has no owner: a researcher's study of its name is not announced."""
    demo = Study.objects.filter(slug=DEMO_SLUG, owner=None, origin=Study.Origin.COLLECTED).first()
    return demo if demo is not None and demo.is_open else None
