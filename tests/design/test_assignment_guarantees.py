"""The guarantees of docs/study-design.md as properties of plans, for designs of every divisibility."""

import random
from collections import Counter, defaultdict
from math import lcm

from hypothesis import given, settings
from hypothesis import strategies as st

from survey_site.design.assignment import exposed, plan
from tests.design.designs import (
    any_design,
    build,
    cell_range,
    divisible_design,
    independent_draws,
    item_of,
    pools,
    scored,
    spread,
    square,
)

TICKETS = st.integers(0, 5000)
GOLDEN = [
    ("pp0s3", "c1v0", 0),
    ("p2s2", "c0v0", 3),
    ("p1s2", "c2v1", 1),
    ("cp0s2", None, 1),
    ("p0s2", "c1v0", 2),
    ("pr0", "c1v0", None),
    ("r4", "c0v2", None),
    ("r2", "c2v0", None),
    ("cr0", "c1v0", None),
    ("r0", "c1v0", None),
]


@given(any_design(), TICKETS)
def test_no_image_appears_twice_in_a_matching_block_in_any_role(design, ticket):
    shown = [s for trial in plan(design, ticket) if trial.task == "matching" for s in trial.pool]
    assert len(shown) == len(set(shown))


@given(any_design(), TICKETS)
def test_every_pool_is_shown_whole_with_its_target_at_the_stated_place(design, ticket):
    for trial in plan(design, ticket):
        if trial.task == "matching":
            assert trial.pool[trial.target_position] == trial.target
        if trial.pool_index is not None:
            assert sorted(trial.pool) == sorted(pools(design)[trial.pool_index])


@given(any_design(), TICKETS)
def test_no_image_is_rated_twice_and_matching_comes_before_rating(design, ticket):
    trials = plan(design, ticket)
    rated = [trial.target for trial in trials if trial.task == "rating"]
    assert len(rated) == len(set(rated))
    assert [t.task for t in trials] == sorted(t.task for t in trials)  # "matching" < "rating"
    assert [t.position for t in trials] == list(range(len(trials)))


@given(any_design(), TICKETS)
def test_a_participant_gets_every_column_equally_often_or_with_one_trial_difference(design, ticket):
    for task in design.tasks:
        counts = Counter(trial.column for trial in scored(design, [ticket], task.task))
        assert spread(counts, range(len(design.columns))) <= (task.trials % len(design.columns) != 0)
        assert counts.total() == task.trials


@given(any_design(), TICKETS)
def test_a_participant_meets_the_variants_of_a_column_equally_often_give_or_take_one(design, ticket):
    counts = Counter((t.column, t.variant_index) for t in scored(design, [ticket]))
    for column, variants in enumerate(design.columns):
        assert spread(counts, [(column, v) for v in range(len(variants))]) <= 1


@settings(max_examples=40)
@given(divisible_design(), st.integers(1, 60))
def test_the_conditions_of_a_column_are_dealt_in_turn_over_participants(design, tickets):
    counts = Counter(trial.condition for trial in scored(design, range(tickets)))
    rated = Counter(trial.condition for trial in scored(design, range(tickets), "rating"))
    for conditions in design.columns:
        if tickets <= square(design).period * len(conditions):
            assert spread(counts, conditions) <= 1
            assert spread(rated, conditions) <= 1


@settings(max_examples=20)
@given(divisible_design())
def test_every_pool_meets_every_condition_of_every_column_equally_often(design):
    squares = lcm(*(len(conditions) for conditions in design.columns))
    counts = Counter(
        (t.pool_index, t.condition) for t in scored(design, range(square(design).period * squares))
    )
    for conditions in design.columns:
        for pool in range(len(pools(design))):
            assert {counts[pool, condition] for condition in conditions} == {squares // len(conditions)}


@settings(max_examples=40)
@given(any_design(), st.integers(1, 200))
def test_cell_counts_stay_within_the_stated_bound_after_any_number_of_tickets(design, tickets):
    assert cell_range(design, range(tickets)) <= square(design).cell_range(tickets)
    if square(design, "rating").trials:
        assert cell_range(design, range(tickets), "rating") <= square(design, "rating").cell_range(tickets)


@settings(max_examples=40)
@given(divisible_design(), st.integers(1, 120))
def test_cell_counts_differ_by_at_most_one_and_by_none_after_whole_periods(design, tickets):
    assert cell_range(design, range(tickets)) <= 1
    assert cell_range(design, range(tickets), "rating") <= 1
    assert cell_range(design, range(design.period)) == 0


@settings(max_examples=30)
@given(any_design())
def test_whole_periods_leave_no_difference_between_cells_even_when_nothing_divides(design):
    assert cell_range(design, range(square(design).period)) == 0


@settings(max_examples=40)
@given(any_design(), st.integers(0, 40))
def test_every_place_in_the_block_holds_every_column_once_per_window(design, window):
    columns = len(design.columns)
    places: defaultdict[int, list[int]] = defaultdict(list)
    for ticket in range(window * columns, (window + 1) * columns):
        for trial in scored(design, [ticket]):
            places[trial.position].append(trial.column)
    assert all(sorted(found) == list(range(columns)) for found in places.values())


@settings(max_examples=40)
@given(any_design(), st.integers(0, 40))
def test_answer_positions_are_balanced_for_a_participant_and_for_a_pool_in_a_window(design, window):
    columns, size = len(design.columns), design.task("matching").group
    per_pool: defaultdict[int, Counter] = defaultdict(Counter)
    for ticket in range(window * columns, (window + 1) * columns):
        trials = scored(design, [ticket])
        assert spread(Counter(trial.target_position for trial in trials), range(size)) <= 1
        for trial in trials:
            per_pool[trial.pool_index][trial.target_position] += 1
    if len(pools(design)) % square(design).trials == 0:
        assert all(spread(counts, range(size)) <= 1 for counts in per_pool.values())


@settings(max_examples=30)
@given(divisible_design())
def test_targets_of_a_pool_turn_so_that_every_image_is_asked_for_under_every_column(design):
    tickets = range(square(design).period * design.task("matching").group)
    counts = Counter((trial.target, trial.column) for trial in scored(design, tickets))
    assert set(counts.values()) == {1}
    assert len(counts) == len(pools(design)) * design.task("matching").group * len(design.columns)


@settings(max_examples=15, deadline=None)
@given(
    st.sampled_from(
        [(2, 4, 2, 4, (2, 3)), (2, 3, 2, 2, (2, 1)), (3, 4, 2, 3, (2, 1, 2)), (2, 4, 3, 2, (4, 2))]
    )
)
def test_the_stored_probability_is_the_frequency_over_all_tickets(shape):
    columns, number, size, trials, variants = shape
    design = build(columns, pools=number, size=size, matching=trials, variants=variants)
    cycle = square(design).period * size * 12  # 12 is a multiple of every number of variants here
    trials_seen = scored(design, range(cycle))
    counts = Counter((trial.target, trial.condition) for trial in trials_seen)
    for trial in trials_seen:
        assert abs(counts[trial.target, trial.condition] / cycle - trial.probability) < 1e-9


@given(any_design(), TICKETS)
def test_a_plan_is_the_same_on_every_call_and_depends_on_the_seed(design, ticket):
    assert plan(design, ticket) == plan(design, ticket)


def test_another_seed_gives_another_order_of_the_same_cells():
    first, second = (build(6, pools=24, matching=24, seed=seed) for seed in ("a", "b"))
    one, two = scored(first, [3]), scored(second, [3])
    assert [t.pool_index for t in one] != [t.pool_index for t in two]
    assert {(t.pool_index, t.column, t.target) for t in one} == {
        (t.pool_index, t.column, t.target) for t in two
    }


def test_it_follows_the_published_square():
    design = build(4, pools=24, matching=8, size=4)
    columns, groups, trials = 4, 3, 8
    for ticket in range(60):
        row, block = ticket % (columns * groups), ticket // (columns * groups)
        rotation, group = row % columns, row // columns
        expected = {
            (group + groups * slot, (slot + rotation) % columns, f"p{group + groups * slot}s{block % 4}")
            for slot in range(trials)
        }
        assert {(t.pool_index, t.column, t.target) for t in scored(design, [ticket])} == expected


def test_the_plan_of_a_ticket_stays_what_it_was_when_data_were_collected():
    design = build(3, pools=3, matching=3, images=6, rating=3, variants=(3, 1, 2), reserve=1)
    trials = plan(design, 7)
    assert [(t.target, t.condition, t.target_position) for t in trials] == GOLDEN


def test_an_item_wanders_through_the_block_within_a_window():
    design = build(6, pools=24, matching=24)
    places: defaultdict[int, set[int]] = defaultdict(set)
    for trial in scored(design, range(6)):
        places[item_of(design, trial)].add(trial.position)
    assert all(len(found) == 6 for found in places.values())


def test_independent_draws_are_far_less_balanced_and_repeat_pools():
    design = build(8, pools=24, matching=24)
    counts, repeats = independent_draws(design, 40, random.Random(1))
    cells = [(pool, column) for pool in range(24) for column in range(8)]
    assert spread(counts, cells) >= 8 > cell_range(design, range(40)) == 0
    assert repeats == 40


@given(any_design(), TICKETS)
def test_exposure_lists_distractors_as_well_as_targets(design, ticket):
    trials = plan(design, ticket)
    matching = tuple(trial for trial in trials if trial.task == "matching")
    assert len(exposed(matching)) == design.task("matching").group * len(matching)
    assert {trial.target for trial in trials} <= exposed(trials)
