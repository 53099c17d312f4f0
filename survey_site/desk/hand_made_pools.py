"""Pools as a form arranges them: images in numbered boxes, and what is wrong with an arrangement. Pure functions."""

from collections.abc import Container, Mapping, Sequence

from django.utils.translation import gettext as _

from survey_site.design.exemplar_pools import check_exemplar_pool
from survey_site.design.pools import Candidate, PoolError

Pools = list[list[str]]
Boxes = dict[int, list[str]]
"""The images of each pool by its number; none is empty."""
Places = dict[str, int]
"""The number of the pool of each image; 0: it is in none."""


def places_of(pools: Sequence[Sequence[str]]) -> Places:
    """Where each image of these pools is, of which the first is number 1."""
    return {key: number for number, pool in enumerate(pools, start=1) for key in pool}


def place(number: str) -> int:
    """The pool that a form names; 0 for what is no number of one."""
    return int(number) if number.isascii() and number.isdigit() and len(number) < 6 else 0


def boxes_of(places: Mapping[str, int]) -> Boxes:
    """The boxes that these places fill, in the order of their numbers; an image of number 0 is in none."""
    found: Boxes = {}
    for key, number in sorted(places.items()):
        if number:
            found.setdefault(number, []).append(key)
    return dict(sorted(found.items()))


def moved(begun: Sequence[Sequence[str]], known: Container[str], to: Places) -> Boxes:
    """What they began with where these images have gone to these boxes and all others, of those known, have stayed.

    A pool that has the images it had keeps their order.
    """
    stayed = {key: number for key, number in places_of(begun).items() if key in known}
    before = dict(enumerate(begun, start=1))
    return {
        number: list(before[number]) if sorted(before.get(number, ())) == pool else pool
        for number, pool in boxes_of(stayed | to).items()
    }


def wrong(boxes: Mapping[int, Sequence[str]], size: int) -> list[str]:
    """The pools that have more or fewer images than this, a line each."""
    return [
        _("Pool %(n)d has %(has)d images instead of %(size)d.")
        % {"n": number, "has": len(pool), "size": size}
        for number, pool in boxes.items()
        if len(pool) != size
    ]


def too_few(n: int, wanted: int) -> list[str]:
    """That there are fewer pools than the design needs, where there are."""
    told = _("The design needs %(wanted)d pools; %(n)d are arranged.") % {"wanted": wanted, "n": n}
    return [told] if n < wanted else []


def source_first(pool: Sequence[str], classes: Mapping[str, str]) -> list[str]:
    """The pool begun with the first image whose class another one of it has: the source, which is not shown."""
    labels = [classes[key] for key in pool]
    source = next((place for place, label in enumerate(labels) if label and labels.count(label) > 1), 0)
    return [*pool[source : source + 1], *pool[:source], *pool[source + 1 :]]


def without_exemplar(boxes: Mapping[int, Sequence[str]], classes: Mapping[str, str]) -> list[str]:
    """Why pools do not show another image of their source's class among those of other classes, a line each."""
    found = []
    for number, pool in boxes.items():
        try:
            check_exemplar_pool([Candidate(key, classes[key]) for key in pool], number)
        except PoolError:
            found.append(
                _("Pool %(n)d needs two images of one class, and all others of different classes.")
                % {"n": number}
            )
    return found


def apart(base: Boxes, found: Boxes) -> tuple[Pools, Pools]:
    """The pools of the two arrangements that are not the same in both."""
    numbers = [n for n in sorted({*base, *found}) if base.get(n) != found.get(n)]
    return [base.get(n, []) for n in numbers], [found.get(n, []) for n in numbers]
