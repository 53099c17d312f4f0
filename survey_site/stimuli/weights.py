"""Which classifiers' weights are at hand: said before a classifier is chosen, so that no job fails for want of them.

The site sees the folder SALIENCY_WEIGHTS_DIR and what its workers have done; a worker may find weights elsewhere, or
download them.
"""

from collections.abc import Iterable
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from saliency_worker import catalog
from survey_site.stimuli.models import PrecomputeJob

BUNDLED = "demo-cnn"


def missing(names: Iterable[str]) -> set[str]:
    """Those of these classifiers of the catalogue whose weights are not in the folder and that never explained an image."""
    asked = [name for name in names if name in catalog.CLASSIFIERS and name != BUNDLED]
    lacking = {name for name in asked if not _in_folder(name)}
    if not lacking:
        return set()
    worked = PrecomputeJob.objects.filter(classifier__in=lacking, state=PrecomputeJob.State.DONE)
    return lacking - set(worked.order_by().values_list("classifier", flat=True).distinct())


def told_names(names: Iterable[str]) -> list[tuple[str, str]]:
    """(name, name with a mark where weights are missing), for lists to choose from; those at hand first."""
    known = list(names)
    lacking = missing(known)
    mark = _("%(name)s — weights not found here")
    marked = [(name, mark % {"name": name} if name in lacking else name) for name in known]
    return sorted(marked, key=lambda pair: pair[0] in lacking)


def _in_folder(name: str) -> bool:
    folder = settings.SALIENCY_WEIGHTS_DIR
    if not folder:
        return False
    patterns = catalog.CLASSIFIERS[name].weights_files
    return any(next(Path(folder).glob(pattern), None) is not None for pattern in patterns)
