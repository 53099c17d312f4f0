"""Whether a network's prediction is right: its label against the class that the study gives the image. Pure."""

from saliency_worker.class_names import same_name


def is_right(label: str, own_class: str) -> bool | None:
    """Whether the label names the image's class; None where either is not known."""
    return same_name(label, own_class) if label and own_class else None
