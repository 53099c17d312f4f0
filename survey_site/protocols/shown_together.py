"""Whether the maps that a trial shows beside one another can be told apart at all: told with numbers before going live."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations, permutations

from saliency_worker import catalog
from survey_site.design.task_spec import TaskSpec
from survey_site.stimuli.models import SaliencyMap
from survey_site.stimuli.ranks import ranks_of
from survey_site.stimuli.uploaded_maps import is_uploaded
from survey_site.studies.models import Study
from survey_site.tasks import registry

Pictures = dict[tuple[str, str, str], dict[int, str]]
"""By image, classifier and method the SHA-256 of the picture of each rank."""


def explains_class(key: str) -> bool:
    """Whether a method's map is another one for another class; of a map made elsewhere nobody knows, and it may be."""
    return is_uploaded(key) or catalog.explains_class(key)


def problems(study: Study) -> list[str]:
    """One line for each task whose trials would show the same picture twice, or need more classes than there are."""
    specs = [task.spec(study.settings_of(task)) for task in registry.known(study.task_settings)]
    several = [spec for spec in specs if len(spec.ranks) > 1]
    if not several:
        return []
    found = [line for spec in several for line in _too_few_classes(study, spec)]
    pictures = _pictures(study)
    return found + [line for spec in several for line in _identical(study, spec, pictures)]


def _too_few_classes(study: Study, spec: TaskSpec) -> Iterator[str]:
    classes = max(spec.ranks) + 1
    for model in study.own_models.all():
        has = model.found.get("classes") if isinstance(model.found, dict) else None
        if isinstance(has, int) and has < classes:
            yield (
                f"The task {spec.task} shows maps of {classes} classes, and the network {model.name} has {has}: leave the "
                "task out, or take another network."
            )


def _pictures(study: Study) -> Pictures:
    rows = SaliencyMap.objects.filter(
        stimulus__study=study, current=True, pictures__colour_map=study.colour_map, rank__in=ranks_of(study)
    )
    found: Pictures = defaultdict(dict)
    for stimulus, classifier, method, rank, sha256 in rows.order_by("stimulus__key").values_list(
        "stimulus__key", "classifier", "method", "rank", "pictures__sha256"
    ):
        found[stimulus, classifier, method][rank] = sha256
    return found


def _identical(study: Study, spec: TaskSpec, pictures: Pictures) -> Iterator[str]:
    same = _within(study, spec, pictures) if spec.together else _between(study, spec, pictures)
    for where, images in same.items():
        one = len(images) == 1
        yield (
            f"The task {spec.task} shows {len(spec.ranks)} maps of one image beside each other, but for {len(images)} "
            f"image{'' if one else 's'} ({min(images)}{'' if one else ' first'}) {where} shows the same picture twice: "
            "leave these images out, or the column."
        )


def _within(study: Study, spec: TaskSpec, pictures: Pictures) -> dict[str, set[str]]:
    """By column the images of which two classes have one picture."""
    found: dict[str, set[str]] = defaultdict(set)
    shown = {(c.classifier, c.key): c.column for c in study.conditions.all() if explains_class(c.key)}
    for (stimulus, classifier, method), by_rank in pictures.items():
        column = shown.get((classifier, method))
        hashes = [by_rank[rank] for rank in spec.ranks if rank in by_rank]
        if column and len(set(hashes)) < len(hashes):
            found[column].add(stimulus)
    return found


def _between(study: Study, spec: TaskSpec, pictures: Pictures) -> dict[str, set[str]]:
    """By pair of columns the images of which both have one picture; a control has that of rank 0 for every class."""
    columns = {(c.classifier, c.key): c.column for c in study.conditions.all()}
    by_picture: dict[tuple[str, str], set[tuple[str, int]]] = defaultdict(set)
    for (stimulus, classifier, method), by_rank in pictures.items():
        if column := columns.get((classifier, method)):
            for rank in set(spec.ranks):
                by_picture[stimulus, by_rank.get(rank, by_rank.get(0, ""))].add((column, rank))
    meet = set(permutations(spec.ranks, 2))
    found: dict[str, set[str]] = defaultdict(set)
    for (stimulus, _), shown in by_picture.items():
        for (one, rank), (other, of_other) in combinations(sorted(shown), 2):
            if one != other and (rank, of_other) in meet:
                found[f"{one} beside {other}"].add(stimulus)
    return found
