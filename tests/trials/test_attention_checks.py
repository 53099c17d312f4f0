"""Attention checks and practice: on reserve images, spread over the block, outside the balance."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from survey_site.design.assignment import plan
from tests.design.designs import any_design, build


@given(any_design(), st.integers(0, 500))
def test_practice_and_checks_show_reserve_images_only(design, ticket):
    scored = {stimulus for task in design.tasks for stimulus in task.main}
    for trial in plan(design, ticket):
        if trial.column is None:
            assert not scored & {trial.target, *trial.pool}
            assert trial.attention_check != (trial.block == "practice")
            assert trial.probability == 1


@given(any_design(), st.integers(0, 500))
def test_every_planned_check_is_asked_once(design, ticket):
    checks = [trial for trial in plan(design, ticket) if trial.attention_check]
    assert len(checks) == sum(len(task.checks) for task in design.tasks)
    assert len({trial.target for trial in checks}) == len(checks)


@given(st.integers(0, 500))
def test_checks_are_never_first_and_never_adjacent_in_a_block(ticket):
    trials = plan(build(6, pools=24, matching=24, images=24, rating=24, reserve=3), ticket)
    for task in ("matching", "rating"):
        block = [trial.attention_check for trial in trials if trial.block == task]
        assert block.count(True) == 3
        assert not block[0]
        assert not any(one and two for one, two in pairwise(block))


@given(st.integers(0, 500))
def test_a_matching_check_shows_the_original_itself(ticket):
    trials = plan(build(2, pools=4, matching=4, reserve=2), ticket)
    matching = [t for t in trials if t.attention_check and t.task == "matching"]
    assert matching
    assert all(t.condition is None and t.pool[t.target_position] == t.target for t in matching)


def test_instructed_ratings_ask_for_every_level_over_tickets():
    design = build(2, images=4, rating=4, reserve=1)
    asked = {t.expected for n in range(100) for t in plan(design, n) if t.attention_check}
    assert asked - {None} == set(range(7))


def test_checks_fit_even_into_a_block_of_one_trial():
    trials = plan(build(1, pools=1, matching=1, reserve=3), 0)
    block = [trial for trial in trials if trial.block == "matching"]
    assert len(block) == 4
    assert not block[0].attention_check


@given(st.integers(0, 100))
def test_practice_columns_take_turns(ticket):
    design = build(3, pools=3, matching=3, images=3, rating=3, reserve=3)
    practised = [t.condition for t in plan(design, ticket) if t.block == "practice" and t.task == "matching"]
    assert sorted(practised) == ["c0v0", "c1v0", "c2v0"]
