"""Faith against guessing."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy import integrate, stats

from survey_site.statistics import chance
from survey_site.statistics.data import Trials, from_rows
from tests.statistics import naive
from tests.statistics.two_tasks import load

PAPER = (12, 24, 23, 23, 20, 19)


def answers(k: int, n: int = 25) -> np.ndarray:
    return np.r_[np.ones(k), np.zeros(n - k)]


def test_the_chance_corrected_share_of_the_published_values() -> None:
    values = [round(chance.chance_corrected_share(answers(k), np.full(25, 1 / 4)) or 0, 3) for k in PAPER]
    assert values == [0.307, 0.947, 0.893, 0.893, 0.733, 0.680]


def test_d_prime_of_the_published_values() -> None:
    assert [round(chance.d_prime(k / 25, 4, 25), 2) for k in PAPER] == [0.77, 3.05, 2.61, 2.61, 1.89, 1.72]


def test_twelve_of_25_means_little_without_the_pool_size() -> None:
    ps = [chance.poisson_binomial_tail(12, np.full(25, 1 / m)) for m in range(2, 7)]
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
    assert chance.poisson_binomial_tail(7, np.full(20, 1 / 5)) == pytest.approx(
        stats.binomtest(7, 20, 0.2, alternative="greater").pvalue
    )
    mixed = 1 / np.array([2, 2, 3, 4, 4, 4, 6, 12])
    for k in range(9):
        assert chance.poisson_binomial_tail(k, mixed) == pytest.approx(
            naive.poisson_binomial_tail(k, mixed.tolist())
        )


def test_a_large_mixture_agrees_with_monte_carlo() -> None:
    levels = np.repeat([1 / 3, 1 / 4], 30_000)
    k = 17_700
    draws = np.random.default_rng(1)
    sums = draws.binomial(30_000, 1 / 3, 20_000) + draws.binomial(30_000, 1 / 4, 20_000)
    assert chance.poisson_binomial_tail(k, levels) == pytest.approx((sums >= k).mean(), abs=0.015)


def test_several_trials_per_person_are_tested_by_the_two_way_t_of_the_lift(made_up) -> None:
    trials = load(made_up(participants=7, columns=("A",))).of_task("matching")
    result = chance.against_chance(trials, 999, 1)
    lift = trials.value - 0.25
    psi = (lift - lift.mean()) / len(lift)
    variance = naive.v2(psi.tolist(), trials.participant.codes.tolist(), trials.item.codes.tolist())
    t = lift.mean() / variance**0.5
    people, items = len(set(trials.participant.codes)), len(set(trials.item.codes))
    assert result["test"] == "two_way_t"
    assert result["p"] == pytest.approx(stats.t.sf(t, min(people, items) - 1))
    means = [lift[trials.participant.codes == p].mean() for p in range(7)]
    assert result["sign_flip_p"] == pytest.approx(naive.sign_flip(means, two_sided=False))


def test_who_is_always_right_has_no_p_and_a_reason(made_up) -> None:
    rows = [
        {**r, "choice": r["stimulus"], "correct": 1, "class_correct": 1}
        for r in made_up(columns=("A",))
        if r["task"] == "matching"
    ]
    result = chance.against_chance(load(rows), 99, 1)
    assert (result["p"], result["chance_corrected_share"]) == (None, 1)
    assert result["p_reason"] == "not estimable: no variation between the answers"


def test_an_unknown_chance_is_said_and_not_guessed(made_up) -> None:
    rows = [r | {"pool": ""} for r in made_up(columns=("A",)) if r["task"] == "matching"]
    result = chance.against_chance(load(rows), 99, 1)
    assert "chance unknown" in result["reason"] and "chance_corrected_share" not in result


def of_class(seed: int, people: int = 200) -> Trials:
    """Guesses at maps whose pools of four hold two images of the source's class, counted by the class."""
    rng = np.random.default_rng(seed)
    rows = []
    for person in range(people):
        pool = [f"{'a' if k < 2 else 'b'}{4 * (person % 12) + k}" for k in range(4)]
        choice = pool[int(rng.integers(4))]
        rows.append(
            {
                "participant": f"p{person}", "task": "matching", "column": "A", "stimulus": pool[0],
                "stimulus_class": "a", "pool": "|".join(pool), "choice": choice, "choice_class": choice[0],
                "score": int(choice == pool[0]), "second_score": int(choice[0] == "a"), "second_chance": 0.5,
            }
        )  # fmt: skip
    return from_rows(rows)


def test_by_the_class_each_pool_has_its_own_chance() -> None:
    found = chance.against_chance(of_class(1).by_second_score(), 99, 1)
    assert found["chance_percent"] == 50 and found["d_prime"] is None
    y = of_class(1).second_value
    assert found["chance_corrected_share"] == pytest.approx((y.mean() - 0.5) / 0.5)
    assert found["p"] == pytest.approx(stats.binomtest(int(y.sum()), 200, 0.5, alternative="greater").pvalue)


def test_pure_guessing_of_the_class_is_found_out_at_the_nominal_size() -> None:
    ps = [chance.against_chance(of_class(seed).by_second_score(), 99, 1)["p"] for seed in range(200)]
    assert np.mean(np.array(ps) < 0.05) <= 0.09


def test_by_the_class_an_unknown_class_leaves_the_chance_unknown(made_up) -> None:
    trials = load([r for r in made_up(columns=("A",)) if r["task"] == "matching"])
    assert "classes" in chance.against_chance(trials.by_second_score(), 99, 1)["reason"]


def places(people: int, size: int, right: Callable[[int, int], bool]) -> Trials:
    """Each person judges `size` pools of so many images; `right` of person and pool."""
    pools = [[f"i{k}-{place}" for place in range(size)] for k in range(size)]
    return from_rows(
        {
            "participant": f"p{p:02}", "task": "matching", "column": "A", "stimulus": pool[0], "pool": "|".join(pool),
            "choice": pool[0 if right(p, k) else 1], "score": int(right(p, k)), "position": k,
        }
        for p in range(people)
        for k, pool in enumerate(pools)
    )  # fmt: skip


@pytest.mark.parametrize("size", [3, 6, 7])
def test_who_is_right_exactly_as_often_as_by_guessing_is_no_better(size: int) -> None:
    """Floating dust of the chance 1/m, the same in all of them, was tested: p .00009, and .000004 by sign-flip."""
    found = chance.against_chance(places(18, size, lambda p, k: p % size == k), 999, 1)
    assert found["chance_corrected_share"] == pytest.approx(0, abs=1e-12)
    assert found["sign_flip_p"] == 1.0
    assert found["p"] is None or found["p"] > 0.4
    assert found["p"] is not None or "not estimable" in str(found["p_reason"])


def test_one_person_gives_no_p_at_all() -> None:
    found = chance.against_chance(places(1, 4, lambda p, k: k == 0), 99, 1)
    assert found["p"] is None and "sign_flip_p" not in found
    assert "at least 2 participants" in chance.p_text(found)


@pytest.mark.parametrize("right", [0, 1])
def test_unequal_chances_are_no_variation_of_the_answers(right: int) -> None:
    """All right at chances of .5 and .51 had p .003; two guessers do so in 6.5 % of cases."""
    trials = places(2, 2, lambda p, k: bool(right))
    trials = replace(trials, chance=np.array([0.5, 0.51, 0.5, 0.51]))
    found = chance.against_chance(trials, 99, 1)
    assert (found["p"], found["chance_corrected_ci"]) == (None, None)
    assert chance.p_text(found) == "not estimable: no variation between the answers"


def test_the_corrected_share_stays_above_what_none_right_gives() -> None:
    found = chance.against_chance(places(4, 2, lambda p, k: (p, k) == (0, 0)), 99, 1)
    assert found["chance_corrected_ci"][0] == pytest.approx(-1)
