"""What people read for a map."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from saliency_worker import catalog
from survey_site.stimuli.models import SaliencyMap
from survey_site.stimuli.ranks import ordinal
from survey_site.stimuli.uploaded_rows import EXPLAINED, ORIGIN

LONGEST_ORIGIN = 200


def label_of(saliency_map: SaliencyMap) -> str:
    """Method and classifier, and the class where it is not the predicted one."""
    return f"{method_label(saliency_map)} · {saliency_map.classifier}".strip(" ·")


def method_label(saliency_map: SaliencyMap) -> str:
    """The method, and the class where it is not the predicted one: "Grad-CAM · 2nd class: tench"."""
    try:
        method = catalog.full_label(saliency_map.method)
    except ValueError:
        method = str(saliency_map.provenance.get("label") or saliency_map.method)
    if not saliency_map.rank:
        return method
    place = _("%(nth)s class: %(name)s") % {
        "nth": ordinal(saliency_map.rank),
        "name": saliency_map.class_name or saliency_map.class_index,
    }
    return f"{method} · {place}"


def origin_of(provenance: Mapping[str, Any]) -> str:
    """Where a map that was not computed here came from, in words; empty for one that was."""
    if provenance.get("origin") not in (ORIGIN, EXPLAINED):
        return ""
    told = _("%(file)s, uploaded by %(who)s") % {
        "file": provenance.get("upload"),
        "who": provenance.get("uploader"),
    }
    if provenance["origin"] == EXPLAINED:
        versions = provenance.get("versions") or {}
        made = {"explain": f"TensorFlow {versions.get('tensorflow')}", "device": provenance.get("device")}
    else:
        made = provenance.get("made_by") or {}
    how = ", ".join(
        f"{name} {value}" for name, value in sorted(made.items()) if isinstance(value, str | int | float)
    )
    if len(how) > LONGEST_ORIGIN:
        how = how[: LONGEST_ORIGIN - 1] + "…"
    return f"{told}: {how}" if how else told
