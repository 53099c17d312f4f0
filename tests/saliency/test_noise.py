import numpy as np
from scipy import stats

from saliency_worker.saliency.noise import derive_seed, noise, normal_quantiles


def test_quantiles_are_those_of_the_normal_distribution() -> None:
    levels = (np.arange(65536) + 0.5) / 65536
    np.testing.assert_allclose(normal_quantiles(), stats.norm.ppf(levels), atol=1e-6)


def test_noise_is_normal_with_the_given_deviation() -> None:
    drawn = noise((4, 100, 100, 3), 0.15, seed=5).ravel()
    assert stats.kstest(drawn / 0.15, "norm").pvalue > 1e-3
    assert abs(drawn.std() - 0.15) < 0.001
    assert abs(drawn.mean()) < 0.002


def test_neighbouring_values_are_independent() -> None:
    drawn = noise((100_000,), 1.0, seed=1)
    for lag in (1, 2, 3, 4, 8):
        assert abs(np.corrcoef(drawn[lag:], drawn[:-lag])[0, 1]) < 0.015


def test_noise_follows_from_the_seed_alone() -> None:
    assert np.array_equal(noise((2, 8, 8, 3), 0.15, 7), noise((2, 8, 8, 3), 0.15, 7))
    assert not np.array_equal(noise((2, 8, 8, 3), 0.15, 7), noise((2, 8, 8, 3), 0.15, 8))


def test_more_copies_begin_with_the_same_ones() -> None:
    assert np.array_equal(noise((5, 6, 6, 3), 0.15, 7)[:3], noise((3, 6, 6, 3), 0.15, 7))


def test_noise_is_the_same_on_every_machine() -> None:
    expected = [-0.3968026, 0.1058193, 0.9677371, 0.827356]
    np.testing.assert_allclose(noise((4,), 1.0, seed=123), expected, atol=1e-6)


def test_the_seed_depends_on_the_image_and_on_the_run() -> None:
    assert derive_seed("ab") == derive_seed("ab", 0)
    assert len({derive_seed("ab"), derive_seed("ac"), derive_seed("ab", 1)}) == 3
    assert 0 <= derive_seed("ab") < 2**63
