"""The page on which images are arranged into pools by hand, as pictures. What a page shows is saved whole or not at all."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from survey_site.design.exemplar_pools import exemplar_pools
from survey_site.design.pools import Candidate, PoolError, Strategy, partition
from survey_site.design.task_spec import TaskSpec
from survey_site.desk import hand_made_pools
from survey_site.desk.hand_made_pools import Boxes, Places, Pools
from survey_site.desk.paging import leaves
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
POOLS_PER_PAGE = 30
LEFT_PER_PAGE = 120


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


@dataclass(frozen=True, slots=True)
class Begun:
    """What a form begins with. deal: by which proposal; empty: with the pools that are stored.

    images: row id and class of each image for counted trials, by name, in the order of classes and names.
    """

    one: Arranged
    images: dict[str, tuple[int, str]]
    stored: Pools
    pools: Pools
    deal: str = ""

    def seen(self, rows: Iterable[str]) -> str:
        """Short for what a page showed: where the images of these row ids were; of a proposal the whole of it."""
        if self.deal:
            return digest([self.stored, self.pools])
        places = hand_made_pools.places_of(self.pools)
        where = {str(row): places.get(key, 0) for key, (row, _class) in self.images.items()}
        return digest([(row, where.get(row, 0)) for row in sorted(rows)])

    def classes(self) -> dict[str, str]:
        return {key: label for key, (_row, label) in self.images.items()}

    def boxes(self, posted: Places) -> Boxes:
        """The arrangement where these images are moved and all others stay."""
        boxes = hand_made_pools.moved(self.pools, self.images, posted)
        if not self.one.spec.exemplar:
            return boxes
        classes = self.classes()
        return {number: hand_made_pools.source_first(pool, classes) for number, pool in boxes.items()}


@require_http_methods(["GET", "POST"])
def pools(request: HttpRequest, study: Study) -> HttpResponse:
    """Shows the pools of each task as pictures; `deal` proposes an arrangement, a POST stores one."""
    refused: list[str] = []
    posted: dict[str, Places] = {}
    if request.method == "POST":
        with editing(study) as study:
            one = next((each for each in arranged(study) if each.task.name == request.POST.get("task")), None)
            if one is not None:
                begun = _begun(request, study, one, _images(study), request.POST.get("deal", ""))
                posted[one.task.name], boxes, refused = _posted(request, study, begun)
                if not refused:
                    _store(request, study, one, boxes)
                    kept = {name: request.GET[name] for name in ("page", "left") if name in request.GET}
                    return redirect(reverse("admin:study_pools", args=[study.pk], query=kept or None))
    asked = request.POST if request.method == "POST" else request.GET
    images = _images(study)
    begun_with = [_begun(request, study, one, images, asked.get("deal", "")) for one in arranged(study)]
    response = page(
        request,
        "desk/pools.html",
        study,
        _("Pools"),
        tasks=[_told(request, study, begun, posted.get(begun.one.task.name, {})) for begun in begun_with],
        refused=refused,
        proposed=any(begun.deal for begun in begun_with),
    )
    response.status_code = 422 if refused else 200
    return response


def _images(study: Study) -> dict[str, tuple[int, str]]:
    main = study.stimuli.filter(role=Stimulus.Role.MAIN).order_by("stimulus_class", "key")
    return {key: (row, label) for key, row, label in main.values_list("key", "pk", "stimulus_class")}


def _begun(
    request: HttpRequest, study: Study, one: Arranged, images: dict[str, tuple[int, str]], deal: str
) -> Begun:
    """With the proposal where one is asked for that the task and its images allow."""
    stored = [list(pool) for pool in study.settings_of(one.task)[one.groups.name]]
    if deal in (*DEALS, EXEMPLAR) and (deal == EXEMPLAR) is one.spec.exemplar:
        try:
            return Begun(one, images, stored, _dealt(study, one, images, deal), deal)
        except PoolError as error:
            messages.error(request, str(error))
    return Begun(one, images, stored, stored)


def _told(request: HttpRequest, study: Study, begun: Begun, posted: Places) -> dict[str, Any]:
    """A task's boxes: each pool with its pictures, an empty one more, and the pictures in none; a page of both.

    posted: where images were sent in a form that is refused; it shows them again.
    """
    one, images = begun.one, begun.images
    boxes = begun.boxes(posted)
    shown = leaves(request, range(1, max(one.wanted, len(begun.pools) + 1, *boxes) + 1), POOLS_PER_PAGE)
    used = {key for pool in boxes.values() for key in pool}
    left = [key for key in images if key not in used]
    rest = leaves(request, left, LEFT_PER_PAGE, "left")
    keys_left = [key for key in left if key in posted] if posted else rest.rows
    here = {number: boxes.get(number, []) for number in shown.rows}
    rows = {images[key][0] for key in (*keys_left, *(key for pool in here.values() for key in pool))}
    pictures = {image.key: image for image in study.stimuli.filter(pk__in=rows)}
    strategy = str(study.settings_of(one.task)[one.strategy.name]) if one.strategy else FIXED
    return {
        "name": one.task.name,
        "title": one.task.title,
        "size": one.spec.images,
        "wanted": one.wanted,
        "exemplar": one.spec.exemplar,
        "deals": _deals(one),
        "deal": begun.deal,
        "boxes": [
            (number, [pictures[key] for key in pool if key in pictures]) for number, pool in here.items()
        ],
        "left": [pictures[key] for key in keys_left if key in pictures],
        "pages": shown,
        "pages_left": rest,
        "fixed": strategy == FIXED,
        "how": dict(one.strategy.choices).get(strategy, "") if one.strategy else "",
        "seen": begun.seen(map(str, rows)),
    }


def _deals(one: Arranged) -> list[tuple[str, Any]]:
    """The proposals that give pools as the task wants them, each with its title."""
    if one.spec.exemplar:
        return [(EXEMPLAR, _("Another exemplar"))]
    return [(key, title) for key, (_strategy, title) in DEALS.items()]


def _posted(request: HttpRequest, study: Study, begun: Begun) -> tuple[Places, Boxes, list[str]]:
    """Where the images were sent, the arrangement that this makes, and what is wrong with it."""
    one, data = begun.one, request.POST
    keys = {str(row): key for key, (row, _class) in begun.images.items()}
    sent = {name.removeprefix("pool:"): str(data[name]) for name in data if name.startswith("pool:")}
    places = {keys[row]: hand_made_pools.place(number) for row, number in sent.items() if row in keys}
    boxes, before = begun.boxes(places), begun.boxes({})
    stored = dict(enumerate(begun.stored, start=1))
    if not study.is_editable:
        return places, boxes, [_("The study is sealed; make a new version to change its pools.")]
    if data.get(SEEN) not in (None, begun.seen(sent)) and boxes != stored:
        changed = _(
            "The images or the stored pools have changed since this was proposed; look at it again, then save."
        )
        theirs = overwriting(*hand_made_pools.apart(stored, boxes))
        return places, boxes, [changed] if begun.deal else [theirs, once_more()]
    here = leaves(request, range(1, max(one.wanted, len(begun.pools) + 1) + 1), POOLS_PER_PAGE).rows
    mine = {n: pool for n, pool in boxes.items() if n in here or pool != before.get(n)}
    wrong = hand_made_pools.wrong(mine, one.spec.images)
    if any(number not in boxes for number in here):
        wrong += hand_made_pools.too_few(len(boxes), one.wanted)
    if one.spec.exemplar and not wrong:
        wrong = hand_made_pools.without_exemplar(mine, begun.classes())
    return places, boxes, wrong


def _dealt(study: Study, one: Arranged, images: Mapping[str, tuple[int, str]], deal: str) -> Pools:
    """The proposal as it will be stored."""
    classes = {key: label for key, (_row, label) in images.items()}
    candidates = [Candidate(key, label) for key, label in classes.items()]
    seed = str(study.seed)
    if one.spec.exemplar:
        dealt = exemplar_pools(candidates, size=one.spec.group, count=one.wanted, seed=seed)
        return [hand_made_pools.source_first(sorted(map(str, pool.stimuli)), classes) for pool in dealt]
    strategy = DEALS[deal][0]
    made = partition(candidates, strategy=strategy, size=one.spec.images, count=one.wanted, seed=seed)
    return [sorted(map(str, pool.stimuli)) for pool in made]


def _store(request: HttpRequest, study: Study, one: Arranged, boxes: Boxes) -> None:
    """Stores the pools, and that they are those to be used. Of their numbers the order counts."""
    found = list(boxes.values())
    before = changes.of_study(study)
    chosen: dict[str, Any] = {one.groups.name: found} | ({one.strategy.name: FIXED} if one.strategy else {})
    study.task_settings = study.task_settings | {one.task.name: study.settings_of(one.task) | chosen}
    study.save(update_fields=["task_settings"])
    phrases = changes.told(before, changes.of_study(study))
    audit.record_changes(request, study, "pools arranged", phrases, of=f"{one.task.name}: {len(found)}")
    messages.success(request, _("%(n)d pools stand as arranged.") % {"n": len(found)})
    for lacking in hand_made_pools.too_few(len(found), one.wanted):
        messages.warning(request, lacking)
