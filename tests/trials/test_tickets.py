"""Tickets under drop-out: the completers fill 0..N − 1, so their final range is that of a full square."""

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey_site.design.design import Design
from survey_site.trials.tickets import Offer, offer, on_return
from tests.design.designs import build, cell_range, divisible_design, scored, spread, square


def run(
    quota: int, concurrent: int, drop_out: float, rng: random.Random
) -> tuple[list[int], list[tuple[int, list[int]]]]:
    """Participants arrive, work side by side and finish or drop out until `quota` have completed.

    Returns the completed tickets and, after each event, the number of open tickets and the completed ones.
    """
    leased: list[int] = []
    released: list[int] = []
    completed: list[int] = []
    issued, history = 0, []
    while len(completed) < quota:
        while len(leased) < concurrent:
            taken = offer(lowest_released=min(released, default=None), issued=issued, quota=quota).ticket
            if taken is None:
                break
            if taken in released:
                released.remove(taken)
            issued = max(issued, taken + 1)
            leased.append(taken)
        ticket = leased.pop(rng.randrange(len(leased)))
        (released if rng.random() < drop_out else completed).append(ticket)
        history.append((len(leased) + len(released), list(completed)))
    return completed, history


@settings(max_examples=30)
@given(
    divisible_design(),
    st.integers(1, 30),
    st.integers(1, 8),
    st.floats(0, 0.8),
    st.integers(0, 2**32),
)
def test_completers_end_within_one_whatever_the_drop_outs(design, quota, concurrent, drop_out, seed):
    completed, _ = run(quota, concurrent, drop_out, random.Random(seed))
    assert sorted(completed) == list(range(quota))
    assert cell_range(design, completed) <= (quota % square(design).period != 0)


def counts_of(design: Design, tickets: list[int]) -> int:
    return cell_range(design, tickets) if tickets else 0


@settings(max_examples=15)
@given(divisible_design(), st.integers(1, 20), st.integers(1, 5), st.integers(0, 2**32))
def test_mid_run_the_range_is_at_most_one_plus_the_open_tickets(design, quota, concurrent, seed):
    for open_tickets, completed in run(quota, concurrent, 0.3, random.Random(seed))[1]:
        assert counts_of(design, completed) <= 1 + open_tickets


@pytest.mark.parametrize(("quota", "expected"), [(40, 0), (25, 1)])
def test_thirty_percent_drop_out_leaves_the_range_of_the_published_table(quota, expected):
    design = build(8, pools=24, matching=24)
    for seed in range(5):
        completed, _ = run(quota, 5, 0.3, random.Random(seed))
        assert cell_range(design, completed) == expected
        totals = Counter(trial.column for trial in scored(design, completed))
        assert spread(totals, range(8)) == 0


@given(st.sets(st.integers(0, 9)), st.integers(10, 20), st.integers(10, 30), st.booleans())
def test_a_released_ticket_goes_out_before_any_new_one_and_the_lowest_first(
    released, issued, quota, overflow
):
    offered = offer(
        lowest_released=min(released, default=None), issued=issued, quota=quota, overflow=overflow
    )
    if released:
        assert offered == Offer(min(released), "released")
    elif issued < quota:
        assert offered == Offer(issued, "next")
    else:
        assert offered == (Offer(issued, "surplus") if overflow else Offer(None, "full"))


def test_surplus_tickets_stay_outside_the_primary_analysis_when_they_are_re_issued():
    assert not offer(lowest_released=12, issued=15, quota=12, overflow=True).primary
    assert offer(lowest_released=11, issued=15, quota=12).primary


def test_it_refuses_a_quota_below_one():
    with pytest.raises(ValueError, match="at least one ticket"):
        offer(lowest_released=None, issued=0, quota=0)


@pytest.mark.parametrize(
    ("state", "is_holder", "expected"),
    [
        ("leased", True, "resume"),
        ("completed", True, "finished"),
        ("released", True, "resume"),
        ("released", False, "reclaim"),
        ("leased", False, "surplus"),
        ("completed", False, "surplus"),
    ],
)
def test_who_returns_takes_the_ticket_back_or_finishes_as_surplus(state, is_holder, expected):
    assert on_return(state, is_holder=is_holder) == expected
