"""Mixed models with crossed participants and images, against lme4 1.1-31 and ordinal 2022.11-16 under R 4.2.2.

The constants are those of `glmer(y ~ k + (1|p) + (1|i), family = binomial)` and `clmm(r ~ k + (1|p) + (1|i))` on the answers
below: 20 participants by 18 images, the column of participant p and image i is (p + i) mod 3.
"""

import numpy as np
import pytest
from scipy import integrate, stats

from survey_site.statistics import crossed_models as m
from survey_site.statistics.uncertainty import Sample

SHARES = (
    "011011010111001001111101111110111110111101111101011111001001011011010011100000011110110111"
    "001101000101101010011010001011111111000111110010110111101100100001111111001000011010001001"
    "011110111111111111101000000111100111001111110101111110000100000111011111100101111000101110"
    "001111011010111111110110110110011110100111100101011100101111100001101001101101010110111110"
)
RATINGS = (
    "004205303125014020453532034455445032342101431414505455003013232152044335032203443043340402"
    "012304220201403543135405322245254314254213040144401035203025404512431144100001000031121130"
    "443452552534554454512210421235441200125213320045445235412230552552350532202204430535113025"
    "531330212141023232151020430453453052135412221254135413025302122253443033404334340033443042"
)
PEOPLE, IMAGES = 20, 18


def samples(answers: str) -> dict[str, Sample]:
    y = np.array([float(digit) for digit in answers])
    person, item = np.repeat(np.arange(PEOPLE), IMAGES), np.tile(np.arange(IMAGES), PEOPLE)
    column = (person + item) % 3
    return {
        name: Sample(y[column == k], person[column == k], item[column == k]) for k, name in enumerate("ABC")
    }


def fit(data: dict[str, Sample], rows_max: int = 10_000) -> m.CrossedModel:
    return m.fit(data, "A", 0.95, rows_max, seed=1)


def log_odds(found: m.CrossedModel) -> list[tuple[float, float]]:
    """Estimate and standard error of each column."""
    return [
        (np.log(r["odds_ratio"]), np.log(r["ci"][1] / r["ci"][0]) / 2 / stats.norm.ppf(0.975))
        for r in found["rows"]
    ]


def test_the_logistic_model_is_glmers() -> None:
    found = fit(samples(SHARES))
    (b, b_error), (c, c_error) = log_odds(found)
    assert (b, c) == (pytest.approx(1.1954834, abs=1e-3), pytest.approx(1.7737876, abs=1e-3))
    assert (b_error, c_error) == (pytest.approx(0.2843340, rel=5e-3), pytest.approx(0.3056220, rel=5e-3))
    assert found["participant_sd"] == pytest.approx(0.4346726, abs=1e-3)
    assert found["item_sd"] == pytest.approx(0.4080673, abs=1e-3)
    assert found["log_likelihood"] == pytest.approx(-218.59143, abs=1e-3)


def test_the_cumulative_model_is_clmms() -> None:
    found = fit(samples(RATINGS))
    (b, b_error), (c, c_error) = log_odds(found)
    assert (b, c) == (pytest.approx(0.7450644, abs=1e-4), pytest.approx(1.3333991, abs=1e-4))
    assert (b_error, c_error) == (pytest.approx(0.2347081, rel=1e-3), pytest.approx(0.2400495, rel=1e-3))
    assert found["participant_sd"] == pytest.approx(0.6681155, abs=1e-4)
    assert found["item_sd"] == pytest.approx(0.5802469, abs=1e-4)
    assert found["log_likelihood"] == pytest.approx(-612.3172826, abs=1e-5)


def test_the_likelihood_without_images_is_the_integral() -> None:
    """With one factor Laplace is close to the integral over each participant, done by quadrature."""
    data = m.stack(samples(SHARES), "A")
    theta = np.array([0.4, 1.2, 1.8, 0.5, 0.0])
    total = 0.0
    for person in range(PEOPLE):
        own = data.participant == person
        eta, y = data.x[own] @ theta[1:3] - theta[0], data.level[own]

        def density(u: float, eta: np.ndarray = eta, y: np.ndarray = y) -> float:
            p = 1 / (1 + np.exp(-eta - theta[3] * u))
            return float(stats.norm.pdf(u) * np.prod(np.where(y == 1, p, 1 - p)))

        total += np.log(integrate.quad(density, -8, 8)[0])
    assert -m.Laplace(data).value(theta) / 2 == pytest.approx(total, abs=0.05 * PEOPLE / 10)


def test_without_any_spread_it_is_the_plain_logistic_regression() -> None:
    data = samples(SHARES)
    deviance = m.Laplace(m.stack(data, "A"))
    p = {name: float(s.y.mean()) for name, s in data.items()}
    odds = {name: share / (1 - share) for name, share in p.items()}
    theta = np.log([1 / odds["A"], odds["B"] / odds["A"], odds["C"] / odds["A"]])
    theta = np.concatenate([theta, [0.0, 0.0]])
    plain = -2 * sum((s.y * np.log(p[n]) + (1 - s.y) * np.log(1 - p[n])).sum() for n, s in data.items())
    assert deviance.value(theta) == pytest.approx(plain)


def test_people_who_do_not_differ_have_a_deviation_of_zero_and_intervals_all_the_same() -> None:
    rng = np.random.default_rng(2)
    person, item = np.repeat(np.arange(30), 12), np.tile(np.arange(12), 30)
    # Every person answers equally often right: less spread between people than chance gives.
    y = np.concatenate([rng.permutation(np.repeat([0.0, 1.0], 6)) for _ in range(30)])
    column = (person + item) % 2
    data = {n: Sample(y[column == k], person[column == k], item[column == k]) for k, n in enumerate("AB")}
    found = fit(data)
    assert found["participant_sd"] == 0 and len(found["rows"]) == 1


def test_of_too_many_answers_whole_participants_are_drawn_and_said() -> None:
    data = samples(RATINGS)
    kept, note = m.sampled(data, 200, seed=3)
    people = {int(p) for s in kept.values() for p in s.participant}
    assert sum(len(s) for s in kept.values()) == len(people) * IMAGES <= 200
    assert note == f"fitted to {len(people)} participants drawn at random of 20"
    assert fit(data, 200)["note"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda s: {"A": s["A"]}, "two columns"),
        (
            lambda s: {**s, "B": Sample(np.ones(len(s["B"])), s["B"].participant, s["B"].item)},
            "one and the same answer",
        ),
        (
            lambda s: {n: Sample(one.y, one.participant % 2, one.item) for n, one in s.items()},
            "3 participants",
        ),
        (
            lambda s: {n: Sample(one.y * 0, one.participant, one.item) for n, one in s.items()},
            "all answers are the same",
        ),
    ],
)
def test_what_cannot_be_fitted_says_why(change, reason: str) -> None:
    found = fit(change(samples(SHARES)))
    assert found["rows"] == [] and reason in str(found["reason"])
