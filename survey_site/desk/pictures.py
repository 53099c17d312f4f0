"""Images and maps as researchers see them: the stored pictures, and a map over its image."""

import io

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET
from PIL import Image

from saliency_worker import overlay
from survey_site.stimuli import storage
from survey_site.stimuli.models import MapPicture, Stimulus
from survey_site.studies.access import visible_studies

MOST_OVERLAY = 2560  # pixels of the longer side: a page's picture, not a print


def png(data: bytes) -> HttpResponse:
    return HttpResponse(data, content_type="image/png", headers={"Cache-Control": "private, max-age=3600"})


def stored(path: str) -> bytes:
    """The bytes of a stored picture; 404 where there is none, as of a study reconstructed from published numbers."""
    try:
        return storage.get(path) if path else _missing()
    except FileNotFoundError:
        return _missing()


def _missing() -> bytes:
    raise Http404("There is no picture of this.")


@require_GET
def stimulus_picture(request: HttpRequest, pk: int) -> HttpResponse:
    """The stored picture of a stimulus, for researchers."""
    visible = Stimulus.objects.filter(study__in=visible_studies(request.user, "view"))
    return png(stored(get_object_or_404(visible, pk=pk).path))


@require_GET
def stimulus_region(request: HttpRequest, pk: int) -> HttpResponse:
    """A stimulus with everything outside of its region darkened, for researchers."""
    visible = Stimulus.objects.filter(study__in=visible_studies(request.user, "view"))
    stimulus = get_object_or_404(visible, pk=pk)
    with (
        Image.open(io.BytesIO(stored(stimulus.path))) as source,
        Image.open(io.BytesIO(stored(stimulus.region_path))) as region,
    ):
        dark = source.convert("RGB").point(lambda level: level // 4)
        dark.paste(source, mask=region.resize(source.size))
    out = io.BytesIO()
    dark.thumbnail((MOST_OVERLAY, MOST_OVERLAY))
    dark.save(out, "JPEG", quality=90)
    headers = {"Cache-Control": "private, no-cache"}  # another region may be given
    return HttpResponse(out.getvalue(), content_type="image/jpeg", headers=headers)


@require_GET
def map_picture(request: HttpRequest, pk: int) -> HttpResponse:
    """The picture of a map, for researchers."""
    studies = visible_studies(request.user, "view")
    visible = MapPicture.objects.filter(saliency_map__stimulus__study__in=studies)
    return png(stored(get_object_or_404(visible, pk=pk).path))


@require_GET
def map_overlay(request: HttpRequest, pk: int) -> HttpResponse:
    """A map laid over its source image at the image's own size, for researchers alone: trials never show it."""
    studies = visible_studies(request.user, "view")
    visible = MapPicture.objects.filter(saliency_map__stimulus__study__in=studies)
    row = get_object_or_404(visible.select_related("saliency_map__stimulus"), pk=pk)
    made = row.saliency_map
    with (
        Image.open(io.BytesIO(stored(made.stimulus.path))) as source,
        Image.open(io.BytesIO(stored(row.path))) as shown,
    ):
        source.thumbnail((MOST_OVERLAY, MOST_OVERLAY))  # does nothing to a smaller one
        laid = overlay.lay_over(source, shown, whole=made.provenance.get("fit") == "squash")
    out = io.BytesIO()
    laid.save(out, "JPEG", quality=90)
    headers = {"Cache-Control": "private, max-age=3600"}
    return HttpResponse(out.getvalue(), content_type="image/jpeg", headers=headers)
