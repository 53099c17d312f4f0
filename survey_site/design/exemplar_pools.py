"""Pools of “another exemplar”: each shows another image of the source's class among images of other classes.

A pool is (source, exemplar, others …): the source is never shown in it, the classes of the shown images all differ. Only
the class can then lead from a map to its answer. Plain data in, plain data out, reproducible from the seed.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from survey_site.design.design import Id
from survey_site.design.pools import Candidate, Pool, PoolError, similarity
from survey_site.design.seeded import permutation

Shares = dict[str, int]
"""By class, in how many pools it has a part."""


def exemplar_pools(candidates: Sequence[Candidate], *, size: int, count: int, seed: str) -> tuple[Pool, ...]:
    """`count` disjoint pools that show `size` images; the first image of each is the source, the second its exemplar.

    As far as the images allow, a class is the right one in one of `size` pools that show it, so that how often a class
    comes up tells nothing. Images without a class are left out. Raises PoolError with the number of images missing.
    """
    labels = [candidate.label for candidate in candidates]
    if missing := missing_exemplars(labels, size=size, count=count):
        raise PoolError(
            f"{count} pools that show another exemplar need two images of one class and {size - 1} images of other classes "
            f"each ({count * (size + 1)} images with a class); add {missing}, or choose smaller pools or fewer trials.",
            missing,
        )
    by_class: defaultdict[str, list[Candidate]] = defaultdict(list)
    for index in permutation(len(candidates), seed, "exemplars"):
        if candidates[index].label:
            by_class[candidates[index].label].append(candidates[index])
    names = sorted(by_class)
    order = [names[place] for place in permutation(len(names), seed, "exemplar classes")]
    counts = {name: len(by_class[name]) for name in order}
    sources = _sources(counts, size, count)
    dealt = _arrange(sources, _others(counts, sources, size, count), size, seed)
    pools = []
    for source, others in dealt:
        images = [by_class[source].pop(), by_class[source].pop(), *(by_class[name].pop() for name in others)]
        pools.append(Pool(tuple(image.id for image in images), similarity(images[1:])))
    return tuple(pools)


def missing_exemplars(labels: Sequence[str], *, size: int, count: int) -> int:
    """The fewest images to add, of well chosen classes, so that there are `count` such pools; 0 if there are."""
    counts = Counter(label for label in labels if label)
    odd = sorted(name for name, number in counts.items() if number % 2)
    pairs = max(count - sum(min(number // 2, count) for number in counts.values()), 0)
    added = 0
    for name in odd[:pairs]:
        counts[name] += 1
        added += 1
    for new in range(max(pairs - len(odd), 0)):
        counts[f"\0pair {new}"] = 2
        added += 2
    while not _possible(counts, size, count):
        counts[f"\0new {added}"] = 1
        added += 1
    return added


def check_exemplar_pool(pool: Sequence[Candidate], number: int) -> tuple[Id, ...]:
    """The images of a pool by hand, its exemplar second. Raises PoolError where it has none, or more than one."""
    source, *shown = pool
    labels = [image.label for image in shown]
    if not source.label or labels.count(source.label) != 1 or len(set(labels)) < len(labels):
        raise PoolError(
            f"Fixed pool {number} must begin with the source and show exactly one other image of its class "
            f"({source.label or 'none is given'}) among images of other classes, all different."
        )
    exemplar = shown.pop(labels.index(source.label))
    return (source.id, exemplar.id, *(image.id for image in shown))


def _possible(counts: Mapping[str, int], size: int, count: int) -> bool:
    """Whether the classes suffice, by number: sources cost two images of their class, or one that it could not show."""
    whole = {name: number for name, number in counts.items() if number}
    sources = _sources(whole, size, count)
    if sum(sources.values()) < count:
        return False
    return sum(_most(whole, sources, count).values()) >= count * (size - 1)


def _sources(counts: Mapping[str, int], size: int, count: int) -> Shares:
    """How often each class is the source's: first what costs least, then in proportion to the class."""
    given = dict.fromkeys(counts, 0)
    for _ in range(count):
        open_to = [name for name, number in counts.items() if 2 * (given[name] + 1) <= number]
        if not open_to:
            break
        # Of a class with more images than pools, a source takes one image that no pool could show.
        spare = [name for name in open_to if counts[name] - 2 * given[name] > count - given[name]]
        chosen = max(spare or open_to, key=lambda name: counts[name] - (size + 1) * given[name])
        given[chosen] += 1
    return given


def _most(counts: Mapping[str, int], sources: Shares, count: int) -> Shares:
    """In how many further pools each class can stand beside the exemplar."""
    return {name: min(count - sources[name], number - 2 * sources[name]) for name, number in counts.items()}


def _others(counts: Mapping[str, int], sources: Shares, size: int, count: int) -> Shares:
    """How often each class stands beside the exemplar: size − 1 times as often as it is asked for, where it can."""
    most, given = _most(counts, sources, count), dict.fromkeys(counts, 0)
    for _ in range(count * (size - 1)):
        open_to = [name for name in counts if given[name] < most[name]]
        given[min(open_to, key=lambda name: given[name] - (size - 1) * sources[name])] += 1
    return given


def _arrange(sources: Shares, others: Shares, size: int, seed: str) -> list[tuple[str, list[str]]]:
    """The class of the source of each pool, and those of the others, all different."""
    asked = [name for name, number in sources.items() for _ in range(number)]
    asked = [asked[place] for place in permutation(len(asked), seed, "exemplar order")]
    left, still, pools = dict(others), Counter(asked), []
    for place, source in enumerate(asked):
        after = len(asked) - place
        # Whoever has the fewest pools to spare goes first: it could not be placed later.
        urgency = {
            name: number - (after - still[name]) for name, number in left.items() if number and name != source
        }
        chosen = sorted(urgency, key=lambda name: (-urgency[name], -left[name]))[: size - 1]
        if len(chosen) < size - 1:
            raise PoolError(
                "The classes cannot be spread over pools that show each once; choose smaller pools."
            )
        for name in chosen:
            left[name] -= 1
        still[source] -= 1
        pools.append((source, chosen))
    return pools
