"""Deletion and insertion on networks of plain arithmetic, against a naive loop and numbers by hand."""

import itertools

import numpy as np
import pytest

from saliency_worker.saliency.removal import Remover, area, blurred, places_by_saliency
from tests.saliency.probes import BATCH, Linear, drawn, probe_of, sigmoid


def test_areas_by_hand() -> None:
    assert area((1.0, 0.0)) == 0.5
    assert area((0.0, 1.0, 1.0)) == pytest.approx(0.75)


def test_the_most_salient_pixel_comes_first_and_ties_are_drawn() -> None:
    scalar = np.array([[0.2, 0.9], [0.5, 0.1]], np.float32)
    assert places_by_saliency(scalar, 0).tolist() == [[2, 0], [1, 3]]
    flat = np.zeros((5, 5), np.float32)
    first, again, other = (places_by_saliency(flat, seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    assert sorted(first.ravel()) == list(range(25))


def test_curves_equal_a_naive_loop() -> None:
    picture, network = drawn(6, 5, 3)
    scalar = np.random.default_rng(1).permutation(30).reshape(6, 5).astype(np.float32)
    probe = probe_of(picture, network)
    network.asked.clear()
    found = Remover(probe, 10)(scalar, 0)
    assert sum(network.asked) == 3 + 2 * 9 and max(network.asked) == BATCH
    row, soft = probe.row.astype(np.float64), blurred(probe.row).astype(np.float64)
    deletion, insertion = [], []
    for step in range(11):
        top = (scalar >= 30 - 3 * step)[..., None]
        deletion.append(sigmoid((np.where(top, 0, row) * network.weights).sum()))
        insertion.append(sigmoid((np.where(top, row, soft) * network.weights).sum()))
    np.testing.assert_allclose(found.deletion, deletion, atol=1e-5)
    np.testing.assert_allclose(found.insertion, insertion, atol=1e-5)
    areas = found.areas
    assert areas["deletion"] == pytest.approx(
        sum((a + b) / 20 for a, b in itertools.pairwise(deletion)), abs=1e-5
    )
    assert areas["insertion"] == pytest.approx(
        sum((a + b) / 20 for a, b in itertools.pairwise(insertion)), abs=1e-5
    )


def test_a_map_that_knows_the_network_deletes_sooner_and_inserts_sooner_than_its_opposite() -> None:
    picture = np.full((8, 8, 3), 255, np.uint8)
    picture[::2] = 0
    weights = np.zeros((8, 8, 3))
    weights[0:4:2], weights[1:4:2] = -0.05, 0.05  # sharp stripes speak for the class, blurred ones do not
    right = (np.abs(weights).sum(axis=-1)).astype(np.float32)
    remover = Remover(probe_of(picture, Linear(weights)), 8)
    good, bad = remover(right, 0).areas, remover(1 - right, 0).areas
    assert good["deletion"] < bad["deletion"] and good["insertion"] > bad["insertion"]


def test_one_step_is_black_and_blurred_alone() -> None:
    picture, network = drawn(4, 4)
    found = Remover(probe_of(picture, network), 1)(np.zeros((4, 4), np.float32), 0)
    assert len(found.deletion) == len(found.insertion) == 2
    assert found.deletion[0] == found.insertion[1]


@pytest.mark.parametrize("channels", [1, 3])
def test_blurring_keeps_shape_and_brightness_and_takes_the_detail(channels: int) -> None:
    row = np.random.default_rng(0).random((60, 40, channels)).astype(np.float32)
    soft = blurred(row)
    assert soft.shape == row.shape and soft.dtype == np.float32
    assert soft.std() < 0.5 * row.std() and abs(soft.mean() - row.mean()) < 0.02
