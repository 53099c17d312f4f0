"""The list of precompute jobs: their states and reasons, and trying again."""

from functools import partial

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import display

from survey_site.desk.scoped_admin import OwnStudies, ReadOnlyScopedAdmin
from survey_site.stimuli import jobs, leased_rows
from survey_site.stimuli.models import PrecomputeJob
from survey_site.studies import audit
from survey_site.studies.access import visible_studies
from survey_site.studies.models import Study


@admin.register(PrecomputeJob)
class PrecomputeJobAdmin(ReadOnlyScopedAdmin):
    when_empty = _("Jobs appear when maps are asked for: open a study and choose “Maps”.")
    study_path = "stimulus__study"
    list_display = ("stimulus", "classifier", "shown_state", "attempts", "reason", "finished_at")
    list_filter = ("state", "permanent", ("stimulus__study", OwnStudies))
    list_select_related = ("stimulus",)
    search_fields = ("stimulus__key", "reason")
    actions = ("retry",)

    @display(
        description=_("State"),
        label={"queued": "info", "running": "warning", "done": "success", "failed": "danger"},
    )
    def shown_state(self, job: PrecomputeJob) -> tuple[str, str]:
        return job.state, job.get_state_display()

    @admin.action(description=_("Try the selected jobs again"))
    def retry(self, request: HttpRequest, chosen: QuerySet[PrecomputeJob]) -> None:
        editable = visible_studies(request.user, "edit")
        again = [PrecomputeJob.State.FAILED, PrecomputeJob.State.CANCELLED]
        with transaction.atomic():
            for _each in chosen.order_by("pk").select_for_update(of=("self",)).values_list("pk").iterator():
                pass  # locked until all is done; a list of a million ids would be the next statement's text
            rows = PrecomputeJob.objects.filter(pk__in=chosen.order_by().values("pk"))
            if foreign := rows.exclude(stimulus__study__in=editable).count():
                refusal = _("Nothing was queued: %d of these jobs belong to studies that you may not change.")
                self.message_user(request, refusal % foreign, messages.ERROR)
                return
            if others := rows.exclude(state__in=again).count():
                busy = _(
                    "Nothing was queued: %d of these jobs neither failed nor were cancelled. "
                    "Filter the list by state, then choose again."
                )
                self.message_user(request, busy % others, messages.ERROR)
                return
            counted = rows.order_by().values("stimulus__study").annotate(n=Count("pk"))
            by_study = dict(counted.values_list("stimulus__study", "n"))
            for study in Study.objects.filter(pk__in=by_study):
                audit.record(request, study, "jobs: retry", str(by_study[study.pk]))
                transaction.on_commit(partial(jobs.forget_counts, study))
            count = leased_rows.requeue(rows.filter(state__in=again, stimulus__study__in=editable))
        self.message_user(
            request, ngettext("%d job queued.", "%d jobs queued.", count) % count, messages.SUCCESS
        )
