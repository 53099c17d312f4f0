"""How many of the images a design shows, with how many participants it would show more, and which to set aside.

Plain data in, plain data out; the counts are those of `layout`.
"""

from collections.abc import Mapping, Sequence
from math import lcm

from survey_site.design.design import Id
from survey_site.design.halves import Predicted
from survey_site.design.layout import group_room, groups
from survey_site.design.seeded import permutation
from survey_site.design.spec import Spec

MOST_TIMES = 4  # so many times the participants planned are looked at, or a full square where that is more


def unused(spec: Spec, labels: Sequence[str], found: Predicted | None = None) -> tuple[str, str] | None:
    """What to know of images that no participant is ever shown, and what to change; None where there are none."""
    used = images_used(spec, labels, found)
    if used >= len(labels):
        return None
    better = participants_for_more(spec, labels, found)
    return (
        f"Of {len(labels)} images {used} are used; {len(labels) - used} are shown to nobody.",
        f"Plan {better[0]} participants, who use {better[1]}, or leave it so."
        if better
        else "Nothing, or ask for more trials per column.",
    )


def images_used(spec: Spec, labels: Sequence[str], found: Predicted | None = None) -> int:
    """Main images that some participant is shown, of images of these classes that suffice for the design.

    found: what the network predicts for them, as of `layout.group_count`.
    """
    return _used(spec, _rooms(spec, labels, found), spec.participants)


def participants_for_more(
    spec: Spec, labels: Sequence[str], found: Predicted | None = None
) -> tuple[int, int] | None:
    """The smallest larger number of participants that uses most images, and how many; None where none uses more."""
    rooms, columns = _rooms(spec, labels, found), len(spec.columns)
    full = lcm(
        *(
            len(spec.columns_of(task)) * max(room // spec.trials(task), 1)
            for task, room in zip(spec.tasks, rooms.values(), strict=True)
        )
    )
    last = max(MOST_TIMES * spec.participants, min(full, 10 * spec.participants))
    first = (spec.participants // columns + 1) * columns
    counts = {n: _used(spec, rooms, n) for n in range(first, last + 1, columns)}
    most = max(counts.values(), default=0)
    if most <= _used(spec, rooms, spec.participants):
        return None
    return min(n for n, used in counts.items() if used == most), most


def to_reserve(images: Sequence[tuple[Id, str]], wanted: int, seed: str) -> list[Id]:
    """Which of the main images (id, class) to set aside: always one of the class that has most left, drawn by seed."""
    left: dict[str, list[Id]] = {}
    for place in permutation(len(images), seed, "reserve"):
        identifier, label = images[place]
        left.setdefault(label, []).append(identifier)
    chosen: list[Id] = []
    while len(chosen) < min(wanted, len(images)):
        largest = max(left.values(), key=len)
        chosen.append(largest.pop())
    return chosen


def _rooms(spec: Spec, labels: Sequence[str], found: Predicted | None) -> dict[str, int]:
    """By task the most groups of its images."""
    rooms = {}
    for task in spec.tasks:
        fixed = task.pooled and task.strategy == "fixed"
        rooms[task.task] = len(task.fixed_groups) if fixed else group_room(spec, task, labels, found)
    return rooms


def _used(spec: Spec, rooms: Mapping[str, int], participants: int) -> int:
    """Single images are those of the groups first, unless they must be fresh."""
    counts = {}
    for task in spec.tasks:
        trials, room = spec.trials(task), rooms[task.task]
        fixed = task.pooled and task.strategy == "fixed"
        made = room if fixed else trials * groups(trials, room, len(spec.columns_of(task)), participants)
        counts[task.task] = made * task.images
    grouped = sum(counts[task.task] for task in spec.pooled)
    fresh = sum(counts[task.task] for task in spec.single if task.fresh)
    again = max((counts[task.task] for task in spec.single if not task.fresh), default=0)
    return max(grouped + fresh, again)
