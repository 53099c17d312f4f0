"""All maps of a study at a glance: images down, methods of the conditions across."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from survey_site.desk.paging import leaves
from survey_site.desk.shell import page
from survey_site.stimuli import jobs
from survey_site.stimuli.labels import method_label
from survey_site.stimuli.models import MapPicture, Stimulus
from survey_site.studies.models import Study

PER_PAGE = 20


@dataclass(frozen=True, slots=True)
class GalleryColumn:
    """One classifier × method."""

    classifier: str
    method: str
    label: str


@require_safe
def gallery(request: HttpRequest, study: Study) -> HttpResponse:
    """A row for each image with the picture of each map, or a mark where there is none."""
    columns = [GalleryColumn(name, key, key or "–") for name, key in jobs.maps_needed(study)]
    shown = leaves(request, study.stimuli.order_by("stimulus_class", "key"), PER_PAGE)
    pictures = _pictures(study, shown.rows)
    labels = {
        (p.saliency_map.classifier, p.saliency_map.method): method_label(p.saliency_map)
        for p in pictures.values()
    }
    rows = [
        (image, [(column, pictures.get((image.pk, column.classifier, column.method))) for column in columns])
        for image in shown.rows
    ]
    named = [
        GalleryColumn(c.classifier, c.method, labels.get((c.classifier, c.method), c.label)) for c in columns
    ]
    return page(
        request,
        "desk/map_gallery.html",
        study,
        _("All maps"),
        wide=True,
        columns=named,
        rows=rows,
        shown=shown,
    )


def _pictures(study: Study, images: list[Stimulus]) -> dict[tuple[Any, ...], MapPicture]:
    """The current maps of the predicted class in the study's colours. One query."""
    rows = MapPicture.objects.filter(
        saliency_map__stimulus__in=images,
        saliency_map__current=True,
        saliency_map__rank=0,
        colour_map=study.colour_map,
    ).select_related("saliency_map")
    return {(p.saliency_map.stimulus_id, p.saliency_map.classifier, p.saliency_map.method): p for p in rows}
