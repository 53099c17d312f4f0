"""Every column against every other: nothing is told apart by chance more often than said, and letters say what is."""

import random
import re
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from survey_site.statistics import pairs
from survey_site.statistics.uncertainty import Sample, difference
from tests.statistics.two_tasks import INDEX


@pytest.fixture(autouse=True)
def _fewer_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of studies: the largest t of each from fewer draws."""
    monkeypatch.setattr(pairs, "DRAWS", 4000)


NAMES = ("A", "B", "C", "D", "E")


def study(seed: int, means: tuple[float, ...], people: int = 20, images: int = 15) -> dict[str, Sample]:
    rng = np.random.default_rng(seed)
    person, item = np.repeat(np.arange(people), images), np.tile(np.arange(images), people)
    common = rng.normal(0, 0.7, people)[person] + rng.normal(0, 0.7, images)[item]
    return {
        name: Sample(
            mean + common + rng.normal(0, 0.3, images)[item] + rng.normal(0, 1, len(person)), person, item
        )
        for name, mean in zip(NAMES, means, strict=False)
    }


def test_equal_columns_are_told_apart_in_five_percent_of_studies_at_most() -> None:
    hits = [
        any(row["apart"] for row in pairs.all_pairs(study(s, (3, 3, 3, 3)), INDEX, 0.95, 1)["rows"])
        for s in range(300)
    ]
    assert np.mean(hits) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300)


def test_the_simultaneous_intervals_hold_every_true_difference() -> None:
    means = dict(zip(NAMES, (4.0, 3.4, 3.0, 2.9), strict=False))
    held = []
    for seed in range(200):
        rows = pairs.all_pairs(study(seed, tuple(means.values())), INDEX, 0.95, 1)["rows"]
        held.append(
            all(r["ci"][0] <= means[r["better"]] - means[r["worse"]] <= r["ci"][1] for r in rows if r["ci"])
        )
    assert np.mean(held) >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / 200)


def test_the_diagonal_of_the_covariance_is_the_two_way_variance() -> None:
    samples = study(2, (3, 4, 5))
    found = pairs.covariance(list(samples.values()))
    expected = difference(samples["A"], samples["B"]).variance
    assert found[0, 0] + found[1, 1] - 2 * found[0, 1] == pytest.approx(expected, rel=0.15)


def test_two_columns_alone_have_the_p_of_their_t_test() -> None:
    samples = study(5, (3.4, 3.0))
    row = pairs.all_pairs(samples, INDEX, 0.95, 1)["rows"][0]
    contrast = difference(samples[row["better"]], samples[row["worse"]])
    t = abs(contrast.value or 0) / (contrast.variance or 1) ** 0.5
    assert row["p"] == pytest.approx(2 * stats.t.sf(t, contrast.df), abs=0.01)


EDGES = list(combinations(NAMES, 2))


@settings(deadline=None, max_examples=200)
@given(st.sets(st.sampled_from(EDGES)))
def test_two_columns_share_a_letter_if_and_only_if_they_are_not_apart(apart: set[tuple[str, str]]) -> None:
    found = pairs.letters(NAMES, apart)
    for one, other in EDGES:
        assert bool(set(found[one]) & set(found[other])) == ((one, other) not in apart)


def test_ranks_lie_between_the_surely_better_and_the_surely_worse() -> None:
    found = pairs.ranks(("A", "B", "C"), [("A", "C")])
    assert found == {"A": [1, 2], "B": [1, 3], "C": [2, 3]}


def test_a_single_column_or_no_variation_says_why() -> None:
    samples = study(1, (3,))
    assert "two columns" in str(pairs.all_pairs(samples, INDEX, 0.95, 1)["reason"])
    one = Sample(np.full(12, 3.0), np.repeat(np.arange(3), 4), np.tile(np.arange(4), 3))
    assert "no variation" in str(pairs.all_pairs({"A": one, "B": one}, INDEX, 0.95, 1)["reason"])


def test_forty_columns_on_a_line_get_their_letters_in_whatever_order_the_pairs_come() -> None:
    """Splitting groups pair by pair took minutes here: in another order than the line's it makes millions of groups."""
    names = [f"c{k}" for k in range(40)]
    apart = [(names[a], names[b]) for a in range(40) for b in range(a + 10, 40)]
    random.Random(2).shuffle(apart)
    found = pairs.letters(names, apart)
    assert found == pairs.letters(names, sorted(apart))
    for a, b in combinations(names, 2):
        shared = {pairs.letter(k) for k in range(31)} & set(_split(found[a])) & set(_split(found[b]))
        assert bool(shared) == ((a, b) not in apart)
    assert len({one for text in found.values() for one in _split(text)}) == 31


def _split(text: str) -> list[str]:
    return re.findall("[a-z][0-9]*", text)
