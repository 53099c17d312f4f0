"""Pools: disjoint, of one size, by the chosen strategy, with exact counts where images are missing."""

import random
from collections import Counter
from math import sqrt
from statistics import mean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey_site.design.pools import Candidate, Pool, PoolError, missing_images, partition, similarity

STRATEGIES = ("random", "one_per_class", "same_class", "similar")


def images(per_class: dict[str, int], seed: int = 0) -> list[Candidate]:
    """Candidates whose features lie around the direction of their class."""
    rng = random.Random(seed)
    centres = {label: [rng.gauss(0, 1) for _ in range(6)] for label in per_class}
    return [
        Candidate(f"{label}{n}", label, tuple(value + rng.gauss(0, 0.3) for value in centres[label]))
        for label, number in per_class.items()
        for n in range(number)
    ]


@settings(max_examples=60)
@given(
    st.sampled_from(STRATEGIES),
    st.lists(st.integers(1, 9), min_size=1, max_size=8),
    st.integers(2, 5),
    st.integers(1, 6),
    st.text(max_size=5),
)
def test_pools_are_disjoint_and_full_or_the_exact_number_missing_is_named(
    strategy, numbers, size, count, seed
):
    candidates = images({chr(97 + index): number for index, number in enumerate(numbers)})
    labels = [candidate.label for candidate in candidates]
    missing = missing_images(labels, strategy=strategy, size=size, count=count)
    if missing:
        with pytest.raises(PoolError, match=f"add {missing}") as caught:
            partition(candidates, strategy=strategy, size=size, count=count, seed=seed)
        assert caught.value.missing == missing
        return
    pools = partition(candidates, strategy=strategy, size=size, count=count, seed=seed)
    members = [stimulus for pool in pools for stimulus in pool.stimuli]
    assert len(pools) == count
    assert {len(pool.stimuli) for pool in pools} == {size}
    assert len(members) == len(set(members))
    classes = [[stimulus[0] for stimulus in pool.stimuli] for pool in pools]
    if strategy == "one_per_class":
        assert all(len(set(found)) == size for found in classes)
    if strategy == "same_class":
        assert all(len(set(found)) == 1 for found in classes)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_same_seed_gives_the_same_pools(strategy):
    candidates = images({"a": 8, "b": 8, "c": 8, "d": 8})
    one, two = (partition(candidates, strategy=strategy, size=4, count=6, seed="s") for _ in range(2))
    assert one == two


@pytest.mark.parametrize("strategy", ["random", "one_per_class", "same_class"])
def test_another_seed_gives_other_pools(strategy):
    candidates = images({"a": 8, "b": 8, "c": 8, "d": 8})
    assert partition(candidates, strategy=strategy, size=4, count=4, seed="s") != partition(
        candidates, strategy=strategy, size=4, count=4, seed="t"
    )


def naive_similarity(pool: Pool, candidates: list[Candidate]) -> float:
    features = {candidate.id: candidate.features for candidate in candidates}
    cosines = []
    for one in pool.stimuli:
        for two in pool.stimuli:
            if one != two:
                a, b = features[one], features[two]
                dot = sum(x * y for x, y in zip(a, b, strict=True))
                cosines.append(dot / sqrt(sum(x * x for x in a) * sum(y * y for y in b)))
    return mean(cosines)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_similarity_is_the_mean_cosine_of_targets_and_distractors(strategy):
    candidates = images({"a": 8, "b": 8, "c": 8, "d": 8})
    for pool in partition(candidates, strategy=strategy, size=4, count=5, seed="s"):
        assert pool.similarity == pytest.approx(naive_similarity(pool, candidates))
        assert -1 <= pool.similarity <= 1


def test_similar_pools_are_more_alike_than_random_ones_even_when_no_image_may_be_left_out():
    candidates = images(dict.fromkeys("abcdefghij", 4), seed=3)
    similar, chance = (
        mean(p.similarity for p in partition(candidates, strategy=s, size=4, count=10, seed="s"))
        for s in ("similar", "random")
    )
    assert similar > chance + 0.4


def test_similar_pools_find_planted_clusters():
    clusters = {"a": (1.0, 0.0, 0.0), "b": (0.0, 1.0, 0.0), "c": (0.0, 0.0, 1.0)}
    candidates = [
        Candidate(f"{label}{n}", "", tuple(v + 0.01 * n for v in centre))
        for label, centre in clusters.items()
        for n in range(4)
    ]
    pools = partition(candidates, strategy="similar", size=4, count=3, seed="s")
    assert sorted({stimulus[0] for stimulus in pool.stimuli} for pool in pools) == [{"a"}, {"b"}, {"c"}]


def test_one_per_class_uses_many_classes_when_there_are_many():
    candidates = images(dict.fromkeys("abcdefghij", 5))
    pools = partition(candidates, strategy="one_per_class", size=5, count=4, seed="s")
    assert Counter(stimulus[0] for pool in pools for stimulus in pool.stimuli).most_common(1)[0][1] <= 4


def test_same_class_spreads_over_the_classes():
    candidates = images({"a": 12, "b": 12, "c": 12})
    pools = partition(candidates, strategy="same_class", size=4, count=3, seed="s")
    assert {pool.stimuli[0][0] for pool in pools} == {"a", "b", "c"}


def test_features_are_optional_except_for_similar_pools():
    candidates = [Candidate(n, "x") for n in range(8)]
    assert {p.similarity for p in partition(candidates, strategy="random", size=4, count=2, seed="")} == {
        None
    }
    with pytest.raises(PoolError, match="8 images have no feature vector"):
        partition(candidates, strategy="similar", size=4, count=2, seed="")


@pytest.mark.parametrize(
    ("features", "message"), [((0.0, 0.0), "is zero"), ((1.0, 2.0, 3.0), "differ in length")]
)
def test_unusable_features_are_refused(features, message):
    candidates = [Candidate(n, "", (1.0, float(n))) for n in range(3)] + [Candidate(9, "", features)]
    with pytest.raises(PoolError, match=message):
        partition(candidates, strategy="similar", size=2, count=2, seed="")


def test_fixed_pools_are_taken_as_given():
    candidates = images({"a": 4, "b": 4})
    fixed = [["a0", "b0"], ["a1", "b1"], ["b3", "a3"]]
    pools = partition(candidates, strategy="fixed", size=2, count=2, seed="s", fixed=fixed)
    assert [list(pool.stimuli) for pool in pools] == fixed


@pytest.mark.parametrize(
    ("fixed", "message"),
    [
        ([["a0", "a1"]], r"1 fixed pools are given, the design needs 2: add 1 pools \(2 images\)"),
        ([["a0", "a1"], ["a2"]], "Fixed pool 2 has 1 images instead of 2"),
        ([["a0", "a1"], ["a2", "z"]], "Fixed pool 2 names z"),
        ([["a0", "a1"], ["a2", "a0"]], "a0 is in two fixed pools"),
    ],
)
def test_wrong_fixed_pools_are_refused(fixed, message):
    with pytest.raises(PoolError, match=message):
        partition(images({"a": 6}), strategy="fixed", size=2, count=2, seed="", fixed=fixed)


@pytest.mark.parametrize("size", [1, 13])
def test_a_pool_size_outside_two_to_twelve_is_refused(size):
    with pytest.raises(PoolError, match="2 to 12"):
        partition(images({"a": 30}), strategy="random", size=size, count=1, seed="")


def test_an_image_listed_twice_is_refused():
    with pytest.raises(PoolError, match="listed twice"):
        partition([Candidate(1), Candidate(1)], strategy="random", size=2, count=1, seed="")


def test_similarity_of_a_single_image_is_unknown():
    assert similarity([Candidate(1, "", (1.0,))]) is None


def test_adding_the_missing_images_suffices_and_one_less_does_not():
    labels = ["a"] * 7 + ["b"] * 3 + ["c"]
    missing = missing_images(labels, strategy="same_class", size=4, count=4)
    assert missing == 1 + 1 + 3  # a: 7 → 8, b: 3 → 4, c: 1 → 4
    assert missing_images([*labels, "a", "b", "c", "c", "c"], strategy="same_class", size=4, count=4) == 0
    assert missing_images([*labels, "a", "b", "c", "c"], strategy="same_class", size=4, count=4) == 1
