"""How many images a design shows: counted against the layout itself, by brute force, and which go to the reserve."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey_site.design.feasibility import assess
from survey_site.design.layout import main_stimuli, missing
from survey_site.design.pools import Candidate
from survey_site.design.use_of_images import images_used, participants_for_more, to_reserve
from tests.design.test_feasibility import spec_with


def laid_out(spec, labels):
    candidates = [Candidate(f"i{n}", label) for n, label in enumerate(labels)]
    items = main_stimuli(spec, candidates)
    return len({image for pools in items.values() for pool in pools for image in pool.stimuli})


@settings(max_examples=60)
@given(
    columns=st.integers(1, 4),
    participants=st.integers(1, 40),
    images=st.integers(1, 60),
    classes=st.integers(1, 6),
    matching=st.integers(0, 2),
    rating=st.integers(0, 3),
    strategy=st.sampled_from(["random", "one_per_class", "same_class"]),
)
def test_the_images_used_are_those_that_the_layout_holds(
    columns, participants, images, classes, matching, rating, strategy
):
    if not matching + rating:
        return
    spec = spec_with(
        columns, participants=participants, matching_per_column=matching, rating_per_column=rating,
        pool_size=3, strategy=strategy,
    )  # fmt: skip
    labels = [f"c{n % classes}" for n in range(images)]
    if missing(spec, labels):
        return
    assert images_used(spec, labels) == laid_out(spec, labels)
    better = participants_for_more(spec, labels)
    more = {
        n: laid_out(replace(spec, participants=n), labels) for n in range(participants + 1, 4 * participants)
    }
    if better is None:
        assert all(used <= images_used(spec, labels) for n, used in more.items() if n % columns == 0)
    else:
        n, used = better
        assert n > participants and used == laid_out(replace(spec, participants=n), labels)
        assert used >= max((u for k, u in more.items() if k % columns == 0), default=0)
        assert used > images_used(spec, labels)


def test_the_designer_is_told_how_many_images_nobody_sees_and_what_uses_them():
    spec = spec_with(2, participants=4, matching_per_column=1, rating_per_column=1, pool_size=3)
    found = {f.code: f for f in assess(spec, [""] * 30, reserve=30).findings}
    used = images_used(spec, [""] * 30)
    assert f"{30 - used} are shown to nobody" in found["unused"].text and not found["unused"].blocking
    n, more = participants_for_more(spec, [""] * 30)
    assert f"Plan {n} participants, who use {more}" in found["unused"].change
    enough = {f.code for f in assess(replace(spec, participants=n), [""] * more, reserve=30).findings}
    assert "unused" not in enough


@pytest.mark.parametrize("wanted", [0, 3, 7, 100])
def test_the_reserve_is_taken_from_the_largest_classes_and_the_same_each_time(wanted):
    images = [(f"a{n}", "a") for n in range(6)] + [(f"b{n}", "b") for n in range(2)]
    chosen = to_reserve(images, wanted, "7")
    assert len(chosen) == len(set(chosen)) == min(wanted, 8)
    assert chosen == to_reserve(images, wanted, "7")
    if wanted == 3:
        assert all(str(name).startswith("a") for name in chosen)
    if wanted == 100:
        assert set(chosen) == {name for name, _ in images}
