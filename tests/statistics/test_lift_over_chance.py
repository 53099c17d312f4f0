"""Faith against guessing."""

import numpy as np
import pytest
from scipy import integrate, stats

from survey_site.statistics import chance
from tests.statistics import naive
from tests.statistics.two_tasks import load

PAPER = (12, 24, 23, 23, 20, 19)


def answers(k: int, n: int = 25) -> np.ndarray:
    return np.r_[np.ones(k), np.zeros(n - k)]


def test_kappa_of_the_published_values() -> None:
    values = [round(chance.kappa(answers(k), np.full(25, 4)) or 0, 3) for k in PAPER]
    assert values == [0.307, 0.947, 0.893, 0.893, 0.733, 0.680]


def test_d_prime_of_the_published_values() -> None:
    assert [round(chance.d_prime(k / 25, 4, 25), 2) for k in PAPER] == [0.77, 3.05, 2.61, 2.61, 1.89, 1.72]


def test_twelve_of_25_means_little_without_the_pool_size() -> None:
    ps = [chance.poisson_binomial_tail(12, np.full(25, m)) for m in range(2, 7)]
    assert [round(p, d) for p, d in zip(ps, (3, 3, 4, 4, 4), strict=True)] == [
        0.655,
        0.092,
        0.0107,
        0.0015,
        0.0003,
    ]


@pytest.mark.parametrize("p", [0.05, 0.3, 0.77, 0.99])
def test_d_prime_with_two_alternatives_is_root_two_times_z(p: float) -> None:
    assert chance.d_prime(p, 2, 10_000) == pytest.approx(2**0.5 * stats.norm.ppf(p), abs=1e-7)


def test_d_prime_solves_its_integral() -> None:
    d = chance.d_prime(0.6, 5, 1000)
    value, _ = integrate.quad(lambda x: stats.norm.pdf(x - d) * stats.norm.cdf(x) ** 4, -10, 15)
    assert value == pytest.approx(0.6, abs=1e-8)


def test_the_tail_equals_scipy_for_one_pool_size_and_enumeration_for_several() -> None:
    assert chance.poisson_binomial_tail(7, np.full(20, 5)) == pytest.approx(
        stats.binomtest(7, 20, 0.2, alternative="greater").pvalue
    )
    mixed = np.array([2, 2, 3, 4, 4, 4, 6, 12])
    for k in range(9):
        assert chance.poisson_binomial_tail(k, mixed) == pytest.approx(
            naive.poisson_binomial_tail(k, [1 / m for m in mixed])
        )


def test_a_large_mixture_agrees_with_monte_carlo() -> None:
    m = np.repeat([3, 4], 30_000)
    k = 17_700
    draws = np.random.default_rng(1)
    sums = draws.binomial(30_000, 1 / 3, 20_000) + draws.binomial(30_000, 1 / 4, 20_000)
    assert chance.poisson_binomial_tail(k, m) == pytest.approx((sums >= k).mean(), abs=0.015)


def test_several_trials_per_person_are_tested_by_sign_flip(made_up) -> None:
    trials = load(made_up(participants=7, columns=("A",))).of_task("matching")
    result = chance.against_chance(trials, 999, 1)
    lift = [trials.value[trials.participant.codes == p].mean() - 0.25 for p in range(7)]
    assert result["test"] == "sign_flip" and result["exact"]
    assert result["p"] == pytest.approx(naive.sign_flip(lift, two_sided=False))


def test_an_unknown_pool_size_is_said_and_not_guessed(made_up) -> None:
    rows = [r | {"pool": ""} for r in made_up(columns=("A",)) if r["task"] == "matching"]
    result = chance.against_chance(load(rows), 99, 1)
    assert "pool size unknown" in result["reason"] and "kappa" not in result
