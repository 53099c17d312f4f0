"""How many maps a study lacks: counted for pages that say where it stands, told by method where it cannot go live."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count
from django.utils.translation import gettext as _

from survey_site.stimuli import jobs, ranks
from survey_site.stimuli.models import SaliencyMap
from survey_site.studies.cached_counts import kept
from survey_site.studies.models import Study

NAMED = 3  # so few images are named one by one


@dataclass(frozen=True, slots=True)
class MapCount:
    """Maps there and wanted, over everything that a study's tasks show."""

    there: int
    wanted: int

    @property
    def missing(self) -> int:
        return self.wanted - self.there


def count(study: Study, images: int) -> MapCount:
    """Counts what `jobs.missing_maps` names of so many images, by one grouped query over the maps."""
    found = maps_there(study)
    asked = ranks.ranks_of(study)
    needed = [
        (classifier, method, rank)
        for classifier, method in jobs.maps_needed(study)
        for rank in ranks.ranks_for(method, asked)
    ]
    return MapCount(sum(min(found[each], images) for each in needed), images * len(needed))


def maps_there(study: Study) -> Counter[tuple[str, str, int]]:
    """Current maps in the study's colours, by classifier, method and rank; of very many as they were a while ago."""
    found = kept(kept_as(study), lambda: _counted(study))
    return Counter({(classifier, method, rank): n for classifier, method, rank, n in found})


def kept_as(study: Study) -> str:
    """Where `maps_there` keeps what it counted."""
    return f"maps:{study.pk}:{study.colour_map}"


def _counted(study: Study) -> list[tuple[str, str, int, int]]:
    rows = (
        SaliencyMap.objects.filter(stimulus__study=study, current=True, pictures__colour_map=study.colour_map)
        .order_by()
        .values_list("classifier", "method", "rank")
        .annotate(n=Count("pk"))
    )
    return list(rows)


def by_method(lines: Iterable[str]) -> list[str]:
    """Lines `image: what it lacks`, those that lack the same joined where more images do than can be read."""
    keys: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        key, _colon, lack = line.partition(": ")
        keys[lack].append(key)
    told: list[str] = []
    for lack, images in keys.items():
        if len(images) <= NAMED:
            told += [f"{key}: {lack}" for key in images]
        else:
            shown = ", ".join(images[:NAMED])
            told.append(
                _("%(n)d images: %(lack)s (%(keys)s, …)") % {"n": len(images), "lack": lack, "keys": shown}
            )
    return told
