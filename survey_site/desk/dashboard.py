"""The first page of the admin: studies with their state, progress and next step; what to do where there are none."""

from typing import Any

from django.db.models import Count, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from survey_site.stimuli.models import PrecomputeJob, Stimulus
from survey_site.studies import states
from survey_site.studies.access import visible_studies
from survey_site.studies.cached_counts import kept
from survey_site.studies.models import Condition
from survey_site.trials.models import Participant
from survey_site.trials.views import health
from survey_site.trials.who_counts import in_newest_measurement, who_counts

SHOWN = 20
UNDER_WAY = (PrecomputeJob.State.QUEUED, PrecomputeJob.State.RUNNING)


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Adds `studies` (newest first, with counts) to the admin's index. Five queries, however many rows."""
    visible = visible_studies(request.user, "view").exclude(state=states.State.ARCHIVED)
    studies = list(_counted(visible.order_by("-created_at"))[:SHOWN])
    ids = [study.pk for study in studies]
    named = "-".join(map(str, ids))
    jobs = {row["stimulus__study"]: row for row in kept(f"jobs:{named}", lambda: _jobs(ids))}
    people = {row["study"]: row for row in kept(f"people:{named}", lambda: _people(ids))}
    editable = set(visible_studies(request.user, "edit").filter(pk__in=ids).values_list("pk", flat=True))
    with_results = set(
        visible_studies(request.user, "results").filter(pk__in=ids).values_list("pk", flat=True)
    )
    context["studies"] = [
        {
            "study": study,
            "jobs": jobs.get(study.pk),
            "people": people.get(study.pk),
            "edits": study.pk in editable,
            "results": study.pk in with_results,
            "next": next_step(study, jobs.get(study.pk)) if study.pk in editable else MONITOR,
        }
        for study in studies
    ]
    context["broken"] = health.broken_parts()
    context["more"] = len(studies) == SHOWN
    # The page renews itself only while something can change by itself.
    context["alive"] = any(study.is_open for study in studies) or any(
        row["under_way"] for row in jobs.values()
    )
    return context


def _jobs(studies: list[int]) -> list[dict[str, Any]]:
    """How many of each study there are, are done, failed and under way."""
    rows = PrecomputeJob.objects.filter(stimulus__study__in=studies).order_by().values("stimulus__study")
    return [
        dict(row)
        for row in rows.annotate(
            total=Count("pk", filter=~Q(state=PrecomputeJob.State.CANCELLED)),
            done=Count("pk", filter=Q(state=PrecomputeJob.State.DONE)),
            failed=Count("pk", filter=Q(state=PrecomputeJob.State.FAILED)),
            under_way=Count("pk", filter=Q(state__in=UNDER_WAY)),
        )
    ]


def _people(studies: list[int]) -> list[dict[str, Any]]:
    """How many of each study's newest measurement have begun, and how many of them count."""
    rows = Participant.objects.filter(
        in_newest_measurement(), study__in=studies, kind=Participant.Kind.PERSON
    )
    counted = rows.order_by().values("study")
    return [
        dict(row) for row in counted.annotate(started=Count("pk"), finished=Count("pk", filter=who_counts()))
    ]


MONITOR = (_("Monitor"), "admin:study_monitor")


def next_step(study: Any, jobs: Any) -> tuple[Any, str]:
    """What its researcher has to do next, and the page for it."""
    if study.state in states.SEALED:
        return MONITOR
    if not study.n_images:
        return _("Upload images"), "admin:study_images"
    if not study.n_conditions:
        return _("Choose conditions"), "admin:study_conditions"
    if not jobs or jobs["done"] < jobs["total"]:
        return _("Maps"), "admin:study_precompute"
    return _("Check"), "admin:study_check"


def _counted(studies: Any) -> Any:
    """With the numbers of images and conditions, by subqueries: a join would multiply them."""
    return studies.annotate(n_images=_number_of(Stimulus), n_conditions=_number_of(Condition))


def _number_of(model: Any) -> Coalesce:
    rows = model.objects.filter(study=OuterRef("pk")).order_by().values("study")
    return Coalesce(Subquery(rows.annotate(n=Count("pk")).values("n")), 0)
