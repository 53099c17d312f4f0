"""Maps of one image side by side at full size: original, edges, and two to four methods. Works by links alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_safe

from survey_site.stimuli.labels import label_of, method_label, origin_of
from survey_site.stimuli.models import MapPicture, SaliencyMap, Stimulus
from survey_site.studies.access import visible_studies

FEWEST, MOST = 2, 4
MASKED = gettext_noop("… to the photo masked by this map")
MASKED_BY_ITSELF = gettext_noop("… to the photo masked by its own brightness")
BESIDE = ("original", "edges")  # always shown where they exist, in this order, before what was chosen


FactGroup = tuple[str, list[tuple[str, str]]]  # title, (name, value)


@dataclass(frozen=True, slots=True)
class Shown:
    """A map as the page shows it. `name` is the same for every image, see `_name`."""

    name: str
    label: str
    picture: str
    provenance: str
    overlay: str = ""  # address of the map over the whole image; the image itself has none
    facts: tuple[FactGroup, ...] = ()


@require_safe
def compare(request: HttpRequest, pk: int) -> HttpResponse:
    """The choice stands in the address (`m=` and names of maps), so that it can be kept, sent, and carried on."""
    studies = visible_studies(request.user, "view")
    stimulus = get_object_or_404(Stimulus.objects.select_related("study"), pk=pk, study__in=studies)
    maps = _maps(stimulus)
    asked = list(dict.fromkeys(request.GET.getlist("m")))
    known = [name for name in asked if name in maps and not _is_beside(maps[name])]
    predicted = [name for name in maps if not maps[name].saliency_map.rank]
    default = [name for name in predicted if not _is_beside(maps[name])][:FEWEST]
    chosen = known[:MOST] or default
    context = admin.site.each_context(request) | {
        "title": stimulus.key,
        "opts": Stimulus._meta,
        "stimulus": stimulus,
        "source": reverse("admin:stimulus_picture", args=[stimulus.pk]),
        "shown": [_shown(maps[name], maps) for name in [*_beside(maps, chosen), *chosen]],
        "choices": _choices(maps, chosen),
        "most": MOST,
        "remark": _remark(asked, known),
        "before": _neighbour(stimulus, chosen, forward=False),
        "after": _neighbour(stimulus, chosen, forward=True),
    }
    return render(request, "desk/compare_maps.html", context)


def _maps(stimulus: Stimulus) -> dict[str, MapPicture]:
    """The current maps in the study's colours (else in whatever colours there are), by name. One query."""
    rows = MapPicture.objects.filter(saliency_map__stimulus=stimulus, saliency_map__current=True)
    ordered = rows.select_related("saliency_map").order_by(
        "saliency_map__classifier", "saliency_map__method", "saliency_map__rank", "colour_map"
    )
    found: dict[str, MapPicture] = {}
    for row in ordered:
        name = _name(row.saliency_map)
        if name not in found or row.colour_map == stimulus.study.colour_map:
            found[name] = row
    return found


def _name(saliency_map: SaliencyMap) -> str:
    """`classifier|method`, and `|rank` beyond the predicted class."""
    rank = f"|{saliency_map.rank}" if saliency_map.rank else ""
    return f"{saliency_map.classifier}|{saliency_map.method}{rank}"


def _is_beside(picture: MapPicture) -> bool:
    return picture.saliency_map.method in BESIDE


def _beside(maps: dict[str, MapPicture], chosen: list[str]) -> list[str]:
    """Original and edges, of the classifier of what was chosen first where it has them."""
    first = chosen[0].partition("|")[0] if chosen else ""
    found = []
    for method in BESIDE:
        names = [name for name in maps if name.endswith(f"|{method}")]
        found += sorted(names, key=lambda name: name != f"{first}|{method}")[:1]
    return found


def _shown(picture: MapPicture, maps: dict[str, MapPicture]) -> Shown:
    row = picture.saliency_map
    return Shown(
        name=_name(row),
        label=label_of(row),
        picture=reverse("admin:map_picture", args=[picture.pk]),
        provenance=reverse("admin:stimuli_saliencymap_change", args=[row.pk]),
        overlay="" if row.method == "original" else reverse("admin:map_overlay", args=[picture.pk]),
        facts=tuple(_facts(row, _photo(maps, row))),
    )


def _facts(row: SaliencyMap, photo: dict[str, Any] | None) -> Iterator[FactGroup]:
    """What one asks first, each thing apart: of the photo, of the class explained, of the photo masked by the map."""
    metrics = row.metrics or {}
    if photo:
        said = [(_("class"), str(photo.get("class_name", photo.get("class_index", ""))))]
        if "confidence" in photo:
            said.append((_("confidence"), f"{photo['confidence']:.3f}"))
        yield _("The network says to the photo"), said
    if row.class_name:
        yield _("This map explains"), [(_("class"), row.class_name)]
    if metrics.get("empty"):
        yield _("This map is the same everywhere"), [(_("explains"), _("nothing; it has no scores"))]
    elif "right" in metrics:
        same = metrics["right"]
        masked = [(_("class"), str(metrics.get("class_name") or metrics.get("class_index") or ""))]
        if isinstance(metrics.get("confidence"), float):
            masked.append((_("confidence"), f"{metrics['confidence']:.3f}"))
        if same is not None:
            masked.append((_("same class as the photo"), _("yes") if same else _("no")))
        if isinstance(metrics.get("kept_share"), float):
            masked.append((_("of it kept"), f"{100 * metrics['kept_share']:.0f} %"))
        by_itself = row.method == "original"
        yield _(MASKED_BY_ITSELF if by_itself else MASKED), masked
    if origin := origin_of(row.provenance):
        yield _("Made elsewhere"), [(_("from"), origin)]


def _photo(maps: dict[str, MapPicture], row: SaliencyMap) -> dict[str, Any] | None:
    """What the network says to the photo, as stored with the original's map; of maps made before, its class alone."""
    original = maps.get(f"{row.classifier}|original")
    if original and (found := (original.saliency_map.metrics or {}).get("photo")):
        return dict(found)
    plain = row.rank == 0 and "target" not in row.provenance and not origin_of(row.provenance)
    return {"class_name": row.class_name} if plain and row.class_name else None


def _choices(maps: dict[str, MapPicture], chosen: list[str]) -> list[tuple[str, list[tuple[str, str, bool]]]]:
    """Name, label and whether ticked, grouped by classifier."""
    groups: dict[str, list[tuple[str, str, bool]]] = {}
    for name, picture in maps.items():
        if not _is_beside(picture):
            row = picture.saliency_map
            groups.setdefault(row.classifier, []).append((name, method_label(row), name in chosen))
    return list(groups.items())


def _remark(asked: list[str], known: list[str]) -> str:
    if len(known) > MOST:
        return _("At most %(n)d methods fit beside each other; the first %(n)d are shown.") % {"n": MOST}
    if len(known) < len(asked):
        return _("%(n)d of the methods chosen have no map of this image.") % {"n": len(asked) - len(known)}
    return ""


def _neighbour(stimulus: Stimulus, chosen: list[str], *, forward: bool) -> dict[str, Any] | None:
    """The next image of the study in the order of keys, under the same choice."""
    others = Stimulus.objects.filter(study=stimulus.study_id)
    row = (
        others.filter(key__gt=stimulus.key).order_by("key")
        if forward
        else others.filter(key__lt=stimulus.key).order_by("-key")
    ).first()
    if row is None:
        return None
    query = urlencode([("m", name) for name in chosen])
    return {"key": row.key, "url": f"{reverse('admin:stimulus_compare', args=[row.pk])}?{query}"}
