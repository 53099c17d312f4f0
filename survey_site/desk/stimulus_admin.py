"""The list of stimuli: thumbnails, contact sheets, roles, deletion."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import display

from survey_site.desk.pages import compare_maps
from survey_site.desk.pictures import stimulus_picture, stimulus_region
from survey_site.desk.scoped_admin import OwnStudies, ScopedAdmin
from survey_site.protocols import stored_files
from survey_site.stimuli.labels import label_of
from survey_site.stimuli.models import MapPicture, Stimulus
from survey_site.studies import audit


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
                ("region.jpg", stimulus_region, "region"),
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
            count = Stimulus.objects.filter(pk__in=changed).change(role=role)
        text = ngettext("%d image changed.", "%d images changed.", count) % count
        self.message_user(request, text, messages.SUCCESS)

    @display(description="")
    def thumbnail(self, stimulus: Stimulus) -> SafeString:
        if not stimulus.path:  # of a study reconstructed from published numbers
            return format_html("{}", "–")
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
