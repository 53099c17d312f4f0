"""The page on which images are arranged into pools by hand, as pictures. All or nothing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from survey_site.design.exemplar_pools import check_exemplar_pool, exemplar_pools
from survey_site.design.pools import Candidate, PoolError, Strategy, partition
from survey_site.design.task_spec import TaskSpec
from survey_site.desk.seen_values import SEEN, digest, once_more, overwriting
from survey_site.desk.shell import page
from survey_site.protocols.document import spec_of
from survey_site.stimuli.models import Stimulus
from survey_site.studies import audit, changes
from survey_site.studies.editing import editing
from survey_site.studies.models import Study
from survey_site.tasks import registry
from survey_site.tasks.contract import Task
from survey_site.tasks.settings import Setting

DEALS: dict[str, tuple[Strategy, Any]] = {
    "one_per_class": ("one_per_class", gettext_lazy("One image per class")),
    "same_class": ("same_class", gettext_lazy("One class in each pool")),
    "random": ("random", gettext_lazy("At random")),
}
EXEMPLAR = "exemplar"
FIXED = "fixed"
Pools = list[list[str]]


@dataclass(frozen=True, slots=True)
class Arranged:
    """A task whose pools can be arranged: its settings that say so, and what the design asks of them."""

    task: Task
    groups: Setting
    strategy: Setting | None
    spec: TaskSpec
    wanted: int
    """Pools that the design needs at the least."""


def arranged(study: Study) -> list[Arranged]:
    """The tasks of the study that show groups of images."""
    design = spec_of(study)
    found = []
    for task in registry.known(study.task_settings):
        spec = next((one for one in design.tasks if one.task == task.name), None)
        groups = next((setting for setting in task.settings if setting.kind == "groups"), None)
        if groups and spec:
            by = [s for s in task.settings if s.kind == "choice" and FIXED in dict(s.choices)]
            found.append(Arranged(task, groups, by[0] if by else None, spec, max(design.trials(spec), 1)))
    return found


@require_http_methods(["GET", "POST"])
def pools(request: HttpRequest, study: Study) -> HttpResponse:
    """Shows the pools of each task as pictures; `deal` proposes an arrangement, a POST stores one."""
    refused: list[str] = []
    shown: dict[str, Pools] = {}
    if request.method == "POST":
        with editing(study) as study:
            one = next((each for each in arranged(study) if each.task.name == request.POST.get("task")), None)
            if one is not None:
                shown[one.task.name], refused = _posted(study, one, request.POST)
                if not refused:
                    _store(request, study, one, shown[one.task.name])
                    return redirect("admin:study_pools", study.pk)
    images = list(study.stimuli.filter(role=Stimulus.Role.MAIN).order_by("stimulus_class", "key"))
    if (deal := request.GET.get("deal", "")) in (*DEALS, EXEMPLAR) and request.method == "GET":
        for one in arranged(study):
            if (deal == EXEMPLAR) is not one.spec.exemplar:
                continue
            try:
                shown[one.task.name] = _dealt(study, one, images, deal)
            except PoolError as error:
                messages.error(request, str(error))
    response = page(
        request,
        "desk/pools.html",
        study,
        _("Pools"),
        tasks=[_told(study, one, images, shown.get(one.task.name)) for one in arranged(study)],
        refused=refused,
        proposed=bool(shown) and not refused,
    )
    response.status_code = 422 if refused else 200
    return response


def _stored(study: Study, one: Arranged) -> Pools:
    return [list(pool) for pool in study.settings_of(one.task)[one.groups.name]]


def _told(study: Study, one: Arranged, images: Sequence[Stimulus], shown: Pools | None) -> dict[str, Any]:
    """A task's boxes: each pool with its pictures, an empty one more, and the pictures in none."""
    stored = _stored(study, one)
    chosen = stored if shown is None else shown
    by_key = {image.key: image for image in images}
    boxes = [[by_key[key] for key in pool if key in by_key] for pool in chosen]
    boxes += [[] for _ in range(max(one.wanted - len(boxes), 0) or 1)]
    used = {image.key for box in boxes for image in box}
    strategy = str(study.settings_of(one.task)[one.strategy.name]) if one.strategy else FIXED
    return {
        "name": one.task.name,
        "title": one.task.title,
        "size": one.spec.images,
        "wanted": one.wanted,
        "exemplar": one.spec.exemplar,
        "deals": _deals(one),
        "boxes": list(enumerate(boxes, start=1)),
        "left": [image for image in images if image.key not in used],
        "fixed": strategy == FIXED,
        "how": dict(one.strategy.choices).get(strategy, "") if one.strategy else "",
        "seen": digest(stored),
    }


def _deals(one: Arranged) -> list[tuple[str, Any]]:
    """The proposals that give pools as the task wants them, each with its title."""
    if one.spec.exemplar:
        return [(EXEMPLAR, _("Another exemplar"))]
    return [(key, title) for key, (_strategy, title) in DEALS.items()]


def _posted(study: Study, one: Arranged, data: QueryDict) -> tuple[Pools, list[str]]:
    """The arrangement that was sent, and what is wrong with it."""
    main = study.stimuli.filter(role=Stimulus.Role.MAIN)
    keys = {str(pk): key for pk, key in main.values_list("pk", "key")}
    classes = dict(main.values_list("key", "stimulus_class"))
    found = gathered((keys.get(name.removeprefix("pool:"), ""), str(value)) for name, value in _places(data))
    if one.spec.exemplar:
        found = [source_first(pool, classes) for pool in found]
    stored = _stored(study, one)
    seen = data.get(SEEN)
    if not study.is_editable:
        return found, [_("The study is sealed; make a new version to change its pools.")]
    if seen not in (None, digest(stored)) and found != stored:
        return found, [overwriting(stored, found), once_more()]
    problems = wrong(found, one.spec.images, one.wanted)
    if one.spec.exemplar and not problems:
        problems = without_exemplar(found, classes)
    return found, problems


def _places(data: QueryDict) -> Iterable[tuple[str, str]]:
    return ((name, str(data[name])) for name in data if name.startswith("pool:"))


def gathered(places: Iterable[tuple[str, str]]) -> Pools:
    """Pools out of (image, number of its pool); an image without a number is in none. Of the numbers their order counts."""
    pools: dict[int, list[str]] = {}
    for key, number in places:
        if key and number.isascii() and number.isdigit() and 0 < len(number) < 6 and int(number):
            pools.setdefault(int(number), []).append(key)
    return [sorted(pools[number]) for number in sorted(pools)]


def wrong(pools: Sequence[Sequence[str]], size: int, wanted: int) -> list[str]:
    """What is wrong with an arrangement, a line each."""
    found = [
        _("Pool %(n)d has %(has)d images instead of %(size)d.")
        % {"n": number, "has": len(pool), "size": size}
        for number, pool in enumerate(pools, start=1)
        if len(pool) != size
    ]
    if len(pools) < wanted:
        found.append(
            _("The design needs %(wanted)d pools; %(n)d are arranged.") % {"wanted": wanted, "n": len(pools)}
        )
    return found


def source_first(pool: Sequence[str], classes: Mapping[str, str]) -> list[str]:
    """The pool begun with the first image whose class another one of it has: the source, which is not shown."""
    labels = [classes[key] for key in pool]
    source = next((place for place, label in enumerate(labels) if label and labels.count(label) > 1), 0)
    return [*pool[source : source + 1], *pool[:source], *pool[source + 1 :]]


def without_exemplar(pools: Sequence[Sequence[str]], classes: Mapping[str, str]) -> list[str]:
    """Why pools do not show another image of their source's class among those of other classes, a line each."""
    found = []
    for number, pool in enumerate(pools, start=1):
        try:
            check_exemplar_pool([Candidate(key, classes[key]) for key in pool], number)
        except PoolError:
            found.append(
                _("Pool %(n)d needs two images of one class, and all others of different classes.")
                % {"n": number}
            )
    return found


def _dealt(study: Study, one: Arranged, images: Sequence[Stimulus], deal: str) -> Pools:
    candidates = [Candidate(image.key, image.stimulus_class) for image in images]
    seed = str(study.seed)
    if one.spec.exemplar:
        classes = {image.key: image.stimulus_class for image in images}
        dealt = exemplar_pools(candidates, size=one.spec.group, count=one.wanted, seed=seed)
        return [
            source_first(sorted(map(str, pool.stimuli)), classes) for pool in dealt
        ]  # as they will be stored
    strategy = DEALS[deal][0]
    made = partition(candidates, strategy=strategy, size=one.spec.images, count=one.wanted, seed=seed)
    return [[str(key) for key in pool.stimuli] for pool in made]


def _store(request: HttpRequest, study: Study, one: Arranged, found: Pools) -> None:
    """Stores the pools, and that they are those to be used."""
    before = changes.of_study(study)
    chosen: dict[str, Any] = {one.groups.name: found} | ({one.strategy.name: FIXED} if one.strategy else {})
    study.task_settings = study.task_settings | {one.task.name: study.settings_of(one.task) | chosen}
    study.save(update_fields=["task_settings"])
    phrases = changes.told(before, changes.of_study(study))
    audit.record_changes(request, study, "pools arranged", phrases, of=f"{one.task.name}: {len(found)}")
    messages.success(request, _("%(n)d pools stand as arranged.") % {"n": len(found)})
