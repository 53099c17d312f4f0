"""Power: the simulated study is the planned one, and the numbers of the specification come out."""

from collections import Counter

import numpy as np
import pytest

from survey_site.statistics import power as p

FAITH = {"Grad-CAMs": 0.48, "Ours 1": 0.96, "Ours 2": 0.92, "Ours 3": 0.92, "Ours 4": 0.80, "Ours 5": 0.76}
SCALE = (0, 6)
INDEX = dict(zip(FAITH, (1.02, 4.05, 3.63, 3.47, 3.24, 3.30), strict=True))


@pytest.mark.parametrize(
    ("n", "t", "one", "every"), [(24, 2, 0.62, 0.57), (24, 4, 0.96, 0.96), (12, 4, 0.66, 0.62)]
)
def test_faith_power_of_the_specification(n: int, t: int, one: float, every: float) -> None:
    result = p.power(p.Plan(FAITH, n, t), repetitions=300, seed=2)
    assert result["test"] == "two_way_t"
    assert result["power"]["Ours 5"] == pytest.approx(one, abs=0.1)
    assert result["all"] == pytest.approx(every, abs=0.1)


def test_with_one_trial_on_six_pools_power_is_low() -> None:
    result = p.power(p.Plan(FAITH, 24, 1), repetitions=200, seed=3)
    assert result["test"] == "two_way_t"
    assert result["power"]["Ours 5"] < 0.2


def test_index_effects_of_the_paper_need_few_participants() -> None:
    result = p.power(p.Plan(INDEX, 12, 2, scale=SCALE), repetitions=100)
    assert result["items"] == 12 and result["all"] == 1.0


def test_without_an_effect_rejections_stay_at_the_nominal_size() -> None:
    plan = p.Plan({"R": 0.6, "A": 0.6}, 24, 12)
    assert p.power(plan, repetitions=400, seed=4)["all"] <= 0.06


@pytest.mark.parametrize("share", [0.05, 0.48, 0.96])
def test_the_intercept_gives_the_marginal_share(share: float) -> None:
    a = p.intercept(share, 1.1)
    draws = np.random.default_rng(1).normal(a, 1.1, 400_000)
    assert (1 / (1 + np.exp(-draws))).mean() == pytest.approx(share, abs=0.002)


@pytest.mark.parametrize("mean", [0.3, 1.02, 4.05, 5.8])
def test_the_latent_centre_gives_the_mean_rating(mean: float) -> None:
    draws = np.random.default_rng(2).normal(p.latent_mean(mean, 1.5, SCALE), 1.5, 400_000)
    assert np.clip(np.rint(draws), 0, 6).mean() == pytest.approx(mean, abs=0.01)


def test_the_layout_is_a_latin_square() -> None:
    plan = p.Plan({"a": 0.3, "b": 0.4, "c": 0.5}, participants=12, trials=2, items=12)
    person, item, column = p.layout(plan)
    assert set(Counter(zip(person, column, strict=True)).values()) == {2}
    assert set(Counter(zip(person, item, strict=True)).values()) == {1}
    assert set(Counter(zip(item, column, strict=True)).values()) == {2} and len(set(item)) == 12


def test_the_same_seed_gives_the_same_power() -> None:
    plan = p.Plan({"R": 0.5, "A": 0.7}, 12, 6)
    assert p.power(plan, 50, seed=9) == p.power(plan, 50, seed=9)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"effects": {"R": 0.5}}, "at least one other column"),
        ({"effects": {"R": 0.5, "A": 1.0}}, "between 0 and 1"),
        ({"participants": 1}, "at least 2 participants"),
        ({"items": 7}, "multiple of trials × columns"),
    ],
)
def test_impossible_plans_are_refused(values: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        p.Plan(**({"effects": {"R": 0.5, "A": 0.6}, "participants": 10, "trials": 2} | values))
