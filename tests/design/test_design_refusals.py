"""Impossible designs are refused with the number that is wrong and what to change."""

from dataclasses import replace

import pytest

from survey_site.design.assignment import DesignError, plan
from tests.design.designs import build

GOOD = build(2, pools=4, size=3, matching=4, images=6, rating=2, reserve=1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"columns": ()}, "no table column"),
        ({"columns": (("a",), ())}, "Table column 2 has no condition"),
        ({"columns": (("a",), ("b", "a"))}, "Condition a is listed twice"),
        ({"pools": (("a", "b"), ("c", "d", "e"))}, r"sizes \[2, 3\]"),
        (
            {"pools": (("a", "b", "c"), ("c", "d", "e")), "matching_trials": 2},
            "1 images lie in more than one",
        ),
        ({"pools": (("a", "a", "b"),), "matching_trials": 1}, "1 images lie in more than one pool, a"),
        ({"rating": ("a", "b", "a")}, "a would be rated twice"),
        ({"matching_trials": 7}, "need 7 pools, there are 4: add 3"),
        ({"rating_trials": 9}, "need 9 images, there are 6: add 3"),
        ({"rating_trials": -1}, "cannot be negative"),
        ({"matching_trials": 0, "rating_trials": 0}, "has no trial"),
        ({"check_ratings": ("p0s0",)}, "1 images serve both as reserve"),
        ({"check_pools": (("r0", "x", "y"),)}, "1 images serve both as reserve"),
        ({"check_pools": (("p0s0", "x", "y"),)}, "1 images lie in more than one pool"),
    ],
)
def test_it_refuses_an_impossible_design_and_says_what_to_change(change, message):
    with pytest.raises(DesignError, match=message):
        replace(GOOD, **change)


@pytest.mark.parametrize("size", [1, 13])
def test_it_refuses_a_pool_size_outside_two_to_twelve(size):
    with pytest.raises(DesignError, match="size of 2 to 12"):
        build(2, pools=2, size=size, matching=2)


def test_it_refuses_a_negative_ticket():
    with pytest.raises(ValueError, match="numbered from 0"):
        plan(GOOD, -1)


def test_matching_images_may_be_rated_because_matching_comes_first():
    both = replace(GOOD, rating=("p0s0", "p1s1"), rating_trials=2)
    assert [trial.block for trial in plan(both, 0)].index("rating") > 4
