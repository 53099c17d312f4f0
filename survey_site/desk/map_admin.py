"""The list of saliency maps: pictures, metrics and provenance, to read."""

from django.contrib import admin
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from survey_site.desk.pictures import map_overlay, map_picture
from survey_site.desk.scoped_admin import OwnStudies, ReadOnlyScopedAdmin, shown_json
from survey_site.stimuli.labels import origin_of
from survey_site.stimuli.models import SaliencyMap


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
