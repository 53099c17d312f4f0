"""The BSDS measure on maps whose answer is known, and its matching against a dense assignment."""

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from fixtures.training.boundaries import count, evaluate, match, suppress

SHAPE = (120, 160)  # diagonal 200 px: tolerance 1.5 px


def column(*places: int, shape: tuple[int, int] = SHAPE) -> np.ndarray:
    drawn = np.zeros(shape, bool)
    drawn[10:-10, list(places)] = True
    return drawn


def test_the_boundaries_themselves_score_one() -> None:
    drawn = column(40, 90)
    result = evaluate([drawn.astype(float)], [[drawn]], np.array([0.5]), thinned=True)
    assert (result.ods, result.ois, result.precision, result.recall) == (1, 1, 1, 1)


@pytest.mark.parametrize(("shift", "f"), [(1, 1.0), (2, 0.0)])
def test_a_line_counts_within_the_tolerance_and_not_beyond(shift: int, f: float) -> None:
    result = evaluate([column(40 + shift).astype(float)], [[column(40)]], np.array([0.5]), thinned=True)
    assert result.ods == f


def test_two_lines_beside_one_boundary_are_matched_one_to_one() -> None:
    result = evaluate([column(39, 41).astype(float)], [[column(40)]], np.array([0.5]), thinned=True)
    assert result.precision == 0.5
    assert result.recall == 1.0


def test_one_person_is_enough_to_be_right_and_every_person_has_to_be_recalled() -> None:
    people = [column(40), column(40, 90), column(120)]
    counts = count(column(40, 120, 20).astype(float), people, np.array([0.5]), thinned=True)
    assert counts.precision[0] == pytest.approx(2 / 3)
    assert counts.recall[0] == pytest.approx(3 / 4)


def test_one_threshold_for_all_pictures_scores_less_than_one_for_each() -> None:
    """In the first picture the noise lies at 0.3, in the second the boundary does."""
    first = np.where(column(40), 0.8, 0) + np.where(column(90), 0.3, 0)
    second = np.where(column(40), 0.3, 0)
    result = evaluate([first, second], [[column(40)], [column(40)]], np.array([0.2, 0.5]), thinned=True)
    assert result.ois == 1.0
    assert result.threshold == 0.2
    assert result.ods == pytest.approx(2 * (2 / 3) / (2 / 3 + 1))


def test_an_empty_map_scores_zero_and_does_not_fail() -> None:
    result = evaluate([np.zeros(SHAPE)], [[column(40)]], np.array([0.5]))
    assert result.ods == 0.0


@pytest.mark.parametrize("seed", range(8))
def test_the_matching_is_the_one_of_a_dense_assignment(seed: int) -> None:
    rng = np.random.default_rng(seed)
    edges, drawn = rng.random((12, 14)) < 0.2, rng.random((12, 14)) < 0.2
    distance = 2.3
    a, b = np.argwhere(edges), np.argwhere(drawn)
    lengths = np.hypot(*(a[:, None] - b[None]).transpose(2, 0, 1))
    # Staying alone costs the same on either side, as extra rows and columns of a square problem.
    n, m = len(a), len(b)
    costs = np.full((n + m, n + m), 100 * distance)
    costs[n:, m:] = 0
    costs[:n, :m] = np.where(lengths <= distance, lengths, 1e6)
    rows, columns = linear_sum_assignment(costs)
    pairs = [(r, c) for r, c in zip(rows, columns, strict=True) if r < n and c < m]
    total = sum(lengths[r, c] for r, c in pairs)

    near_edges, near_drawn = match(edges, drawn, distance)
    assert near_edges.sum() == near_drawn.sum() == len(pairs)
    assert not (near_edges & ~edges).any() and not (near_drawn & ~drawn).any()
    # The least total distance among the matched pixels is the optimum's.
    c, d = np.argwhere(near_edges), np.argwhere(near_drawn)
    chosen = np.hypot(*(c[:, None] - d[None]).transpose(2, 0, 1))
    chosen = np.where(chosen <= distance, chosen, 1e6)
    assert chosen[linear_sum_assignment(chosen)].sum() == pytest.approx(total)


@pytest.mark.parametrize("angle", [0, 30, 45, 90, 110, 150])
def test_suppression_leaves_the_middle_of_a_broad_line(angle: float) -> None:
    turn = np.deg2rad(angle)
    rows, columns = np.indices((81, 81)) - 40
    across = np.cos(turn) * columns + np.sin(turn) * rows
    ridge = np.exp(-(across**2) / 18)
    left = suppress(ridge) > 0.5
    inside = np.s_[8:-8, 8:-8]
    assert np.abs(across[inside][left[inside]]).max() <= 1.0
    along = np.abs(across[inside]).min(axis=0 if abs(np.sin(turn)) > 0.7 else 1)
    assert left[inside].sum() >= 0.9 * len(along)
