"""The first page of the admin: studies with their state and progress, and what to do in an empty installation."""

from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest

from survey_site.stimuli.models import PrecomputeJob
from survey_site.studies.access import visible_studies
from survey_site.trials.models import Participant

SHOWN = 20


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Adds `studies` (newest first, with counts) to the admin's index. Three queries, however many rows."""
    studies = list(visible_studies(request.user, "view").order_by("-created_at")[:SHOWN])
    ids = [study.pk for study in studies]
    jobs = {
        row["stimulus__study"]: row
        for row in PrecomputeJob.objects.filter(stimulus__study__in=ids)
        .order_by()
        .values("stimulus__study")
        .annotate(
            total=Count("pk"),
            done=Count("pk", filter=Q(state=PrecomputeJob.State.DONE)),
            failed=Count("pk", filter=Q(state=PrecomputeJob.State.FAILED)),
        )
    }
    people = {
        row["study"]: row
        for row in Participant.objects.filter(study__in=ids, kind=Participant.Kind.PERSON)
        .order_by()
        .values("study")
        .annotate(
            started=Count("pk"),
            finished=Count("pk", filter=Q(state=Participant.State.FINISHED, surplus=False, excluded=False)),
        )
    }
    context["studies"] = [
        {"study": study, "jobs": jobs.get(study.pk), "people": people.get(study.pk)} for study in studies
    ]
    return context
