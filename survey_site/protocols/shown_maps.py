"""Which stored maps a study shows, with what a seal needs of each: a study may show a million."""

from typing import Any, NamedTuple

from django.db.models import Q

from survey_site.stimuli.models import SaliencyMap
from survey_site.stimuli.ranks import ranks_of
from survey_site.studies.models import Study

ORIGINAL = "original"


class ShownMap(NamedTuple):
    """One current map by its row id, the name of its image, and its picture in the study's colours.

    empty: it is the same everywhere.
    """

    pk: int
    stimulus_id: int
    stimulus: str
    classifier: str
    method: str
    rank: int
    array_sha256: str
    parameters_hash: str
    empty: bool | None
    path: str
    picture_sha256: str

    def entry(self) -> dict[str, Any]:
        """It as a protocol's document names it, with its hashes."""
        return {
            "stimulus": self.stimulus,
            "classifier": self.classifier,
            "method": self.method,
            "array_sha256": self.array_sha256,
            "picture_sha256": self.picture_sha256,
            "parameters_hash": self.parameters_hash,
            **({"rank": self.rank} if self.rank else {}),
        }


def maps_shown(study: Study) -> list[ShownMap]:
    """Every current map that a task shows under a condition, and the originals of each classifier, with pictures."""
    conditions = list(study.conditions.all())
    wanted = Q(pk__in=[])
    for classifier in {c.classifier for c in conditions}:
        keys = {c.key for c in conditions if c.classifier == classifier} | {ORIGINAL}
        wanted |= Q(classifier=classifier, method__in=keys)
    rows = (
        SaliencyMap.objects.filter(wanted, stimulus__study=study, current=True, rank__in=ranks_of(study))
        .filter(pictures__colour_map=study.colour_map)
        .order_by("stimulus__key", "classifier", "method", "rank")
        .values_list(
            "pk",
            "stimulus_id",
            "stimulus__key",
            "classifier",
            "method",
            "rank",
            "array_sha256",
            "parameters_hash",
            "metrics__empty",
            "pictures__path",
            "pictures__sha256",
        )
    )
    return [ShownMap(*row) for row in rows]
