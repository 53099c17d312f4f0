"""Seeded choices: uniform, independent of the process, and the same for ever."""

from collections import Counter
from itertools import permutations

from survey_site.design.seeded import below, number, permutation


def test_the_values_are_those_of_sha256sum_and_never_change():
    # for i in 0 1 2 3 4 5; do echo $(printf '["seed",1,%d]' $i | sha256sum) $i; done | sort
    assert permutation(6, "seed", 1) == [5, 3, 1, 4, 2, 0]
    assert below(1000, "seed", 1) == 752  # printf '["seed",1]' | sha256sum, modulo 1000


def test_keys_of_other_types_or_splits_give_other_values():
    assert len({number("a", 1), number("a", "1"), number("a1"), number("a", 1, 1), number("a", 11)}) == 5


def test_all_orders_are_about_equally_likely():
    counts = Counter(tuple(permutation(3, "order", draw)) for draw in range(6000))
    assert set(counts) == set(permutations(range(3)))
    assert all(850 < count < 1150 for count in counts.values())  # 5 standard deviations


def test_below_is_uniform():
    counts = Counter(below(7, "value", draw) for draw in range(7000))
    assert sorted(counts) == list(range(7))
    assert all(850 < count < 1150 for count in counts.values())
