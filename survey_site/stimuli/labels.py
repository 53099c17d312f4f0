"""What people read for a map."""

from saliency_worker import catalog
from survey_site.stimuli.models import SaliencyMap


def label_of(saliency_map: SaliencyMap) -> str:
    """Method and classifier."""
    try:
        method = catalog.full_label(saliency_map.method)
    except ValueError:
        method = str(saliency_map.provenance.get("label") or saliency_map.method)
    return f"{method} · {saliency_map.classifier}".strip(" ·")
