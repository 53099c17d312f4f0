"""Impossible designs are refused with the number that is wrong and what to change."""

from dataclasses import replace

import pytest

from survey_site.design.assignment import DesignError, plan
from tests.design.designs import build, with_task

GOOD = build(2, pools=4, size=3, matching=4, images=6, rating=2, reserve=1)


def changed(columns=GOOD.columns, **tasks):
    """The good design with other columns, or with other plans of its tasks, all of them at once."""
    plans = tuple(replace(task, **tasks.get(task.task, {})) for task in GOOD.tasks)
    return replace(GOOD, columns=columns, tasks=plans)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"columns": ()}, "no table column"),
        ({"columns": (("a",), ())}, "Table column 2 has no condition"),
        ({"columns": (("a",), ("b", "a"))}, "Condition a is listed twice"),
        ({"matching": {"items": (("a", "b"), ("c", "d", "e"))}}, r"sizes \[2, 3\]"),
        (
            {"matching": {"items": (("a", "b", "c"), ("c", "d", "e")), "trials": 2}},
            "1 images lie in more than one",
        ),
        ({"matching": {"items": (("a", "a", "b"),), "trials": 1}}, "1 images lie in more than one pool, a"),
        ({"rating": {"items": (("a",), ("b",), ("a",))}}, "a would be shown twice"),
        ({"matching": {"trials": 7}}, "need 7 pools, there are 4: add 3"),
        ({"rating": {"trials": 9}}, "need 9 images, there are 6: add 3"),
        ({"rating": {"trials": -1}}, "cannot be negative"),
        ({"matching": {"trials": 0}, "rating": {"trials": 0}}, "has no trial"),
        ({"rating": {"checks": (("p0s0",),)}}, "1 images serve both as reserve"),
        ({"matching": {"checks": (("r0", "x", "y"),)}}, "1 images serve both as reserve"),
        ({"matching": {"checks": (("p0s0", "x", "y"),)}}, "1 images lie in more than one pool"),
    ],
)
def test_it_refuses_an_impossible_design_and_says_what_to_change(change, message):
    with pytest.raises(DesignError, match=message):
        changed(**change)


def test_it_refuses_a_pool_size_beyond_twelve():
    with pytest.raises(DesignError, match="size of 2 to 12"):
        build(2, pools=2, size=13, matching=2)


def test_it_refuses_a_negative_ticket():
    with pytest.raises(ValueError, match="numbered from 0"):
        plan(GOOD, -1)


def test_matching_images_may_be_rated_because_matching_comes_first():
    both = with_task(GOOD, "rating", items=(("p0s0",), ("p1s1",)), trials=2)
    assert [trial.block for trial in plan(both, 0)].index("rating") > 4
