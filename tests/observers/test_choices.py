"""An observer chooses the candidate of the highest score, and none where the best are equal."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from saliency_worker.observers.choices import TIE, choose


def test_the_highest_score_is_chosen_and_the_margin_is_to_the_next():
    found = choose([0.1, 0.7, 0.4])
    assert (found.place, found.margin) == (1, pytest.approx(0.3))


def test_identical_candidates_leave_nothing_to_choose():
    found = choose([0.5, 0.5, 0.5, 0.5])
    assert (found.place, found.margin) == (None, 0.0)
    assert choose([0.5, 0.2, 0.5]).place is None
    assert choose([0.2, 0.2, 0.5]).place == 2


def test_a_flat_map_leaves_nothing_to_choose():
    assert choose(np.zeros(6, np.float32)).place is None


def test_scores_that_are_no_numbers_choose_nothing():
    assert choose([float("nan"), 0.2, 0.1]).place is None


@pytest.mark.parametrize("scores", [[], [0.3], [[0.1, 0.2], [0.3, 0.4]]])
def test_a_pool_of_fewer_than_two_is_refused(scores: list[float]):
    with pytest.raises(ValueError, match="2 candidates or more"):
        choose(scores)


@given(st.lists(st.floats(-1, 1, width=32), min_size=2, max_size=12))
def test_the_choice_agrees_with_sorting(scores: list[float]):
    found, order = choose(scores), sorted(scores, reverse=True)
    if order[0] - order[1] > TIE:
        assert found.place == scores.index(order[0])
        assert found.margin == pytest.approx(order[0] - order[1], abs=1e-6)
    else:
        assert found.place is None
