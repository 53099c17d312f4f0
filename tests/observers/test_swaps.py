"""The search for pools in which observers fail, beside counting by hand."""

import itertools

import numpy as np
import pytest

from saliency_worker.observers.swaps import BeatenBits, hits_of, search


def scores_of(images: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random((images, images)).astype(np.float32)


def naive_hits(pools: list[list[int]], matrices: list[np.ndarray]) -> int:
    """An observer hits where no candidate of the pool scores higher than the source."""
    return sum(
        all(scores[source, other] <= scores[source, source] for other in pool)
        for pool in pools
        for source in pool
        for scores in matrices
    )


def bits_of(matrices: list[np.ndarray]) -> BeatenBits:
    collected = BeatenBits(len(matrices[0]))
    for scores in matrices:
        collected.add(scores)
    return collected


@pytest.mark.parametrize("number", [1, 7, 8, 9, 20])
def test_hits_by_bits_are_hits_by_comparison(number: int):
    matrices = [scores_of(12, seed) for seed in range(number)]
    collected = bits_of(matrices)
    assert collected.bits == number
    pools = [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    beaten = collected.beaten()
    assert sum(hits_of(pool, beaten, number) for pool in pools) == naive_hits(pools, matrices)


def test_the_search_says_how_far_it_came_and_keeps_every_image_once():
    matrices = [scores_of(24, seed) for seed in range(5)]
    for scores in matrices:
        scores[np.diag_indices(24)] = 0.8
    collected = bits_of(matrices)
    start = [list(range(place, place + 4)) for place in range(0, 24, 4)]
    found = search(start, collected.beaten(), 5, seed="s")
    assert sorted(itertools.chain(*found.pools)) == list(range(24))
    assert [len(pool) for pool in found.pools] == [4] * 6
    assert found.hits_before == naive_hits(start, matrices)
    assert found.hits_after == naive_hits(found.pools, matrices)
    assert found.hits_after < found.hits_before
    assert found.judged == 24 * 5
    assert found.swaps > 0


def test_it_finds_the_best_of_all_partitions_where_there_are_few():
    matrices = [scores_of(6, seed) for seed in range(4)]
    for scores in matrices:
        scores[np.diag_indices(6)] = 0.6
    best = min(
        naive_hits([list(first), [i for i in range(6) if i not in first]], matrices)
        for first in itertools.combinations(range(6), 3)
    )
    found = min(
        search([[0, 1, 2], [3, 4, 5]], bits_of(matrices).beaten(), 4, seed=str(seed)).hits_after
        for seed in range(5)
    )
    assert found == best


def test_the_same_seed_gives_the_same_pools():
    matrices = [scores_of(20, 3)]
    start = [list(range(place, place + 4)) for place in range(0, 20, 4)]
    one, two = (search(start, bits_of(matrices).beaten(), 1, seed="a") for _ in range(2))
    assert one == two


def test_pools_that_are_not_allowed_are_never_made():
    classes = [place % 4 for place in range(24)]
    start = [list(range(place, place + 4)) for place in range(0, 24, 4)]

    def distinct(pool: list[int]) -> bool:
        return len({classes[image] for image in pool}) == len(pool)

    found = search(start, bits_of([scores_of(24, 5)]).beaten(), 1, seed="a", allowed=distinct)
    assert all(distinct(pool) for pool in found.pools)


def test_nothing_is_exchanged_in_a_single_pool_or_without_observers():
    found = search([[0, 1, 2]], bits_of([scores_of(3, 1)]).beaten(), 1, seed="a")
    assert (found.pools, found.swaps) == ([[0, 1, 2]], 0)
    none = search([[0, 1], [2, 3]], BeatenBits(4).beaten(), 0, seed="a", tries=50)
    assert (none.judged, none.hits_before, none.hits_after) == (0, 0, 0)
