"""What people read for a map."""

from django.utils.translation import gettext as _

from saliency_worker import catalog
from survey_site.stimuli.models import SaliencyMap
from survey_site.stimuli.ranks import ordinal


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
