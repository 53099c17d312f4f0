"""The desk for stimuli, jobs and maps: thumbnails, contact sheets, provenance."""

import io
from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Count, Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET
from PIL import Image
from unfold.decorators import display

from saliency_worker import overlay
from survey_site.desk.pages import compare_maps
from survey_site.desk.scoped_admin import OwnStudies, ReadOnlyScopedAdmin, ScopedAdmin, shown_json
from survey_site.protocols import stored_files
from survey_site.stimuli import leased_rows, storage
from survey_site.stimuli.labels import label_of, origin_of
from survey_site.stimuli.models import MapPicture, PrecomputeJob, SaliencyMap, Stimulus
from survey_site.studies import audit
from survey_site.studies.access import visible_studies
from survey_site.studies.models import Study

MOST_OVERLAY = 2560  # pixels of the longer side: a page's picture, not a print


def png(data: bytes) -> HttpResponse:
    return HttpResponse(data, content_type="image/png", headers={"Cache-Control": "private, max-age=3600"})


@require_GET
def stimulus_picture(request: HttpRequest, pk: int) -> HttpResponse:
    """The stored picture of a stimulus, for researchers."""
    visible = Stimulus.objects.filter(study__in=visible_studies(request.user, "view"))
    return png(storage.get(get_object_or_404(visible, pk=pk).path))


@require_GET
def map_picture(request: HttpRequest, pk: int) -> HttpResponse:
    """The picture of a map, for researchers."""
    studies = visible_studies(request.user, "view")
    visible = MapPicture.objects.filter(saliency_map__stimulus__study__in=studies)
    return png(storage.get(get_object_or_404(visible, pk=pk).path))


@require_GET
def map_overlay(request: HttpRequest, pk: int) -> HttpResponse:
    """A map laid over its source image at the image's own size, for researchers alone: trials never show it."""
    studies = visible_studies(request.user, "view")
    visible = MapPicture.objects.filter(saliency_map__stimulus__study__in=studies)
    row = get_object_or_404(visible.select_related("saliency_map__stimulus"), pk=pk)
    made = row.saliency_map
    with (
        Image.open(io.BytesIO(storage.get(made.stimulus.path))) as source,
        Image.open(io.BytesIO(storage.get(row.path))) as shown,
    ):
        source.thumbnail((MOST_OVERLAY, MOST_OVERLAY))  # does nothing to a smaller one
        laid = overlay.lay_over(source, shown, whole=made.provenance.get("fit") == "squash")
    out = io.BytesIO()
    laid.save(out, "JPEG", quality=90)
    headers = {"Cache-Control": "private, max-age=3600"}
    return HttpResponse(out.getvalue(), content_type="image/jpeg", headers=headers)


def _in_a_draft(stimulus: Model | None) -> bool:
    """Images of a sealed study stay as they are; a new version makes it a draft again."""
    return not isinstance(stimulus, Stimulus) or stimulus.study.is_editable


@admin.register(Stimulus)
class StimulusAdmin(ScopedAdmin):
    when_empty = _("Images come in on their study's page: open or create a study, then choose “Images”.")
    list_display = ("thumbnail", "key", "study", "stimulus_class", "role", "size")
    list_display_links = ("thumbnail", "key")
    list_filter = (("study", OwnStudies), "role")
    list_select_related = ("study",)
    actions = ("make_main", "make_reserve")
    search_fields = ("key", "stimulus_class", "sha256")
    fields = (
        "key",
        "stimulus_class",
        "role",
        "source",
        "licence",
        "study",
        "size",
        "sha256",
        "contact_sheet",
    )
    readonly_fields = ("study", "size", "sha256", "contact_sheet")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return _in_a_draft(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return _in_a_draft(obj) and super().has_delete_permission(request, obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """An image of a draft goes with its jobs and maps, whose own pages are read-only."""
        shown, counts, _missing, protected = super().get_deleted_objects(objs, request)
        return shown, counts, set(), protected

    def delete_model(self, request: HttpRequest, obj: Stimulus) -> None:
        self._with_files(
            Stimulus.objects.filter(pk=obj.pk), lambda: super(StimulusAdmin, self).delete_model(request, obj)
        )

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Stimulus]) -> None:
        self._with_files(queryset, lambda: super(StimulusAdmin, self).delete_queryset(request, queryset))

    def _with_files(self, images: QuerySet[Stimulus], delete: Callable[[], None]) -> None:
        """Their files go when the rows are gone; those that another study uses stay."""
        with transaction.atomic():
            files = stored_files.of_images(images)
            delete()
            stored_files.remove_after_commit(files)

    def get_readonly_fields(self, request: HttpRequest, obj: Stimulus | None = None) -> Any:
        sealed = obj is not None and obj.study.protocols.exists()
        return (
            (*self.readonly_fields, "key", "stimulus_class") if sealed else self.readonly_fields
        )  # sealed documents name both

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # images come in through the study's page, where they are decoded and checked

    def get_urls(self) -> list[URLPattern]:
        own = [
            path(f"<int:pk>/{name}", self.admin_site.admin_view(view), name=f"stimulus_{title}")
            for name, view, title in (
                ("picture.png", stimulus_picture, "picture"),
                ("compare/", compare_maps.compare, "compare"),
            )
        ]
        return own + super().get_urls()

    @admin.action(description=_("Use the selected images in counted trials"), permissions=["change"])
    def make_main(self, request: HttpRequest, chosen: QuerySet[Stimulus]) -> None:
        self._set_role(request, chosen, Stimulus.Role.MAIN)

    @admin.action(
        description=_("Keep the selected images for practice and attention checks"), permissions=["change"]
    )
    def make_reserve(self, request: HttpRequest, chosen: QuerySet[Stimulus]) -> None:
        self._set_role(request, chosen, Stimulus.Role.RESERVE)

    def _set_role(self, request: HttpRequest, chosen: QuerySet[Stimulus], role: Stimulus.Role) -> None:
        """All of them or none: of sealed studies, and of those one may only look at, nothing changes."""
        with transaction.atomic():
            studies = {stimulus.study_id: stimulus for stimulus in chosen.select_related("study")}
            kept = [s for s in studies.values() if not self.has_change_permission(request, s)]
            if kept:
                titles = ", ".join(sorted(stimulus.study.title for stimulus in kept)[:3])
                refusal = _(
                    "Nothing was changed. Images of %s stay as they are: the study is sealed, or you may not change it."
                )
                self.message_user(request, refusal % titles, messages.ERROR)
                return
            changed = chosen.exclude(role=role)
            for stimulus in studies.values():
                n = changed.filter(study=stimulus.study_id).count()
                audit.record(request, stimulus.study, f"images made {role.value}", str(n))
            count = changed.update(role=role)
        text = ngettext("%d image changed.", "%d images changed.", count) % count
        self.message_user(request, text, messages.SUCCESS)

    @display(description="")
    def thumbnail(self, stimulus: Stimulus) -> SafeString:
        url = reverse("admin:stimulus_picture", args=[stimulus.pk])
        return format_html('<img src="{}" alt="{}" width="56" height="56" loading="lazy">', url, stimulus.key)

    @display(description=_("Size"))
    def size(self, stimulus: Stimulus) -> str:
        return f"{stimulus.width} × {stimulus.height}"

    @display(description=_("Maps"))
    def contact_sheet(self, stimulus: Stimulus) -> SafeString:
        pictures = MapPicture.objects.filter(saliency_map__stimulus=stimulus, saliency_map__current=True)
        rows = (
            (
                reverse("admin:stimuli_saliencymap_change", args=[p.saliency_map_id]),
                reverse("admin:map_picture", args=[p.pk]),
                label_of(p.saliency_map),
            )
            for p in pictures.select_related("saliency_map").order_by(
                "saliency_map__classifier", "saliency_map__method", "saliency_map__rank"
            )
        )
        figures = format_html_join(
            "", '<a href="{}"><img src="{}" alt="" loading="lazy"><small>{}</small></a>', rows
        )
        if not figures:
            url = reverse("admin:study_precompute", args=[stimulus.study_id])
            return format_html('{} <a href="{}">{}</a>', _("None yet."), url, _("Compute the study's maps"))
        return format_html(
            '<p><a class="survey-button quiet" href="{}">{}</a></p><div class="survey-maps">{}</div>',
            reverse("admin:stimulus_compare", args=[stimulus.pk]),
            _("Compare methods at full size"),
            figures,
        )


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
            locked = chosen.order_by("pk").select_for_update(of=("self",)).values_list("pk", flat=True)
            rows = PrecomputeJob.objects.filter(pk__in=list(locked))
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
            count = leased_rows.requeue(rows.filter(state__in=again))
        self.message_user(
            request, ngettext("%d job queued.", "%d jobs queued.", count) % count, messages.SUCCESS
        )


@admin.register(SaliencyMap)
class SaliencyMapAdmin(ReadOnlyScopedAdmin):
    when_empty = _("Maps are computed by a worker, or uploaded: open a study and choose “Maps”.")
    study_path = "stimulus__study"
    list_display = ("stimulus", "classifier", "method", "class_name", "rank", "current", "created_at")
    list_filter = ("current", ("stimulus__study", OwnStudies))
    list_select_related = ("stimulus",)
    ordering = ("-pk",)  # newest first, by the primary key: the model's order sorts the join of two tables
    # Methods and hashes by their beginnings: looked for anywhere in them, the search takes half as long again.
    search_fields = ("stimulus__key", "method__startswith", "array_sha256__startswith")
    fields = (
        "stimulus",
        "classifier",
        "layer",
        "class_name",
        "rank",
        "method",
        "origin",
        "picture",
        "shown_metrics",
        "shown_provenance",
    )
    readonly_fields = ("origin", "picture", "shown_metrics", "shown_provenance")

    def get_urls(self) -> list[URLPattern]:
        own = [
            path("picture/<int:pk>.png", self.admin_site.admin_view(map_picture), name="map_picture"),
            path("picture/<int:pk>/overlay.jpg", self.admin_site.admin_view(map_overlay), name="map_overlay"),
        ]
        return own + super().get_urls()

    @display(description=_("Image"))
    def picture(self, saliency_map: SaliencyMap) -> SafeString:
        laid = bool(saliency_map.stimulus.path) and saliency_map.method != "original"
        urls = (
            (
                reverse("admin:map_picture", args=[p.pk]),
                p.colour_map,
                reverse("admin:map_overlay", args=[p.pk])
                if laid
                else reverse("admin:map_picture", args=[p.pk]),
                _("Over the image, at its own size") if laid else _("At its own size"),
            )
            for p in saliency_map.pictures.all()
        )
        return format_html_join(
            "", '<p><img src="{}" alt="{}" width="448"></p><p><a href="{}">{}</a></p>', urls
        )

    @display(description=_("Where it comes from"))
    def origin(self, saliency_map: SaliencyMap) -> str:
        return origin_of(saliency_map.provenance) or str(_("Computed by a worker of this site."))

    @display(description=_("Machine metrics"))
    def shown_metrics(self, saliency_map: SaliencyMap) -> SafeString:
        if not saliency_map.metrics:
            return format_html("{}", _("None: this map was not tried on a classifier."))
        return shown_json(saliency_map.metrics)

    @display(description=_("Provenance"))
    def shown_provenance(self, saliency_map: SaliencyMap) -> SafeString:
        return shown_json(saliency_map.provenance)
