"""Which of the network's choices a study's tasks show maps of: rank 0 is the predicted class, 1 the second choice …

What differs in no way by class (the original, the edges) is there once, at rank 0, whatever the task shows.
"""

from collections.abc import Sequence

from saliency_worker import catalog
from survey_site.design import task_spec
from survey_site.stimuli.uploaded_maps import is_uploaded
from survey_site.studies.models import Study
from survey_site.tasks import registry

Ranks = tuple[int, ...]


def ranks_of(study: Study) -> Ranks:
    """The ranks that the study's tasks need, in rising order; 0 is always among them.

    A task that is no longer installed asks for nothing here; what stands in its way is said where it is shown.
    """
    stored = study.task_settings
    specs = [one.spec(study.settings_of(one)) for one in registry.installed() if one.name in stored]
    return tuple(sorted({0, *(rank for spec in task_spec.active(specs) for rank in spec.ranks)}))


def ranks_for(method: str, ranks: Ranks) -> Ranks:
    """Those of the ranks at which a method has maps of its own.

    A map made elsewhere explains one class, but is wanted for the others as well: nobody knows which one it is.
    """
    return ranks if is_uploaded(method) or catalog.explains_class(method) else (0,)


def ranks_asked(methods: Sequence[str], ranks: Ranks) -> Ranks:
    """What a worker is asked for, of these methods of the catalogue."""
    return ranks if any(catalog.explains_class(method) for method in methods) else (0,)


def ordinal(rank: int) -> str:
    """The place of a class of this rank among the network's choices: "2nd" for rank 1."""
    number = rank + 1
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if number % 100 in (11, 12, 13) else ending}"
