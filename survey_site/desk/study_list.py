"""The list of studies: which are shown, and what is counted of each."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from survey_site.stimuli.models import PrecomputeJob, Stimulus
from survey_site.studies.models import Study
from survey_site.trials.models import Participant
from survey_site.trials.who_counts import in_newest_measurement, who_counts


def counted(studies: QuerySet[Study]) -> QuerySet[Study]:
    """With the numbers of images, jobs, finished jobs and participants who finished."""
    jobs = PrecomputeJob.objects.exclude(state=PrecomputeJob.State.CANCELLED)
    finished = Participant.objects.filter(in_newest_measurement(), who_counts(), kind=Participant.Kind.PERSON)
    return studies.annotate(
        n_images=_count(Stimulus.objects, "study"),
        n_jobs=_count(jobs, "stimulus__study"),
        n_done=_count(jobs.filter(state=PrecomputeJob.State.DONE), "stimulus__study"),
        n_finished=_count(finished, "study"),
    )


def _count(rows: Any, study: str) -> Coalesce:
    """How many rows belong to the study, counted by themselves: joins would multiply images by jobs by people."""
    counted = rows.filter(**{study: OuterRef("pk")}).order_by().values(study).annotate(n=Count("pk"))
    return Coalesce(Subquery(counted.values("n"), output_field=IntegerField()), 0)


class StateFilter(admin.SimpleListFilter):
    """By state; archived studies are shown to who asks for them."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(Study.State.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Study]) -> QuerySet[Study]:
        if chosen := self.value():
            return queryset.filter(state=chosen)
        return queryset.exclude(state=Study.State.ARCHIVED)

    def choices(self, changelist: Any) -> Any:
        first, *rest = super().choices(changelist)
        yield {**first, "display": _("All but archived ones")}
        yield from rest
