"""Simulated participants: seeded, with the planted effects as marginal values, lapses and drop-outs."""

from collections import Counter
from math import sqrt
from statistics import mean, median, pstdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey_site.trials.simulation.behaviour import PAPER_EFFECTS, Behaviour, Effect, Simulator

PEOPLE, IMAGES = 60, 60


def share_correct(simulator: Simulator, column: str, pool_size: int = 4) -> float:
    answers = [
        simulator.match(simulator.person(p), i, column, f"image {i}", i % pool_size, pool_size).choice
        == i % pool_size
        for p in range(PEOPLE)
        for i in range(IMAGES)
    ]
    return mean(answers)


def mean_rating(simulator: Simulator, column: str) -> float:
    return mean(
        simulator.rate(simulator.person(p), i, column, f"image {i}").rating
        for p in range(PEOPLE)
        for i in range(IMAGES)
    )


@pytest.mark.parametrize("column", ["Grad-CAMs", "Ours 1", "Ours 5"])
def test_averaged_over_people_and_images_the_planted_values_come_out(column):
    model = Behaviour()
    # A random intercept of .7 on the logit moves a share by at most .25 × .7; 60 people and 60 images.
    tolerance = 4 * 0.25 * sqrt((0.7**2 + 0.7**2 + 0.5**2) / 60)
    simulator = Simulator(model, "planted")
    assert share_correct(simulator, column) == pytest.approx(model.effect(column).faith, abs=tolerance)
    assert mean_rating(simulator, column) == pytest.approx(model.effect(column).index, abs=4 * 0.8 / sqrt(60))


def test_without_random_effects_the_planted_values_are_exact_up_to_sampling():
    model = Behaviour(
        ability_sd=0,
        image_sd=0,
        image_column_sd=0,
        rater_sd=0,
        rated_image_sd=0,
        rated_image_column_sd=0,
        careless=0,
    )
    simulator = Simulator(model, "exact")
    for column in ("Grad-CAMs", "Ours 4"):
        faith, index = model.effect(column).faith, model.effect(column).index
        error = sqrt(faith * (1 - faith) / (PEOPLE * IMAGES))
        assert share_correct(simulator, column) == pytest.approx(faith, abs=4 * error)
        assert mean_rating(simulator, column) == pytest.approx(index, abs=4 * 1.2 / 60)


def test_many_lapses_leave_the_planted_share():
    model = Behaviour(ability_sd=0, image_sd=0, image_column_sd=0, careless=0, lapse=0.3)
    assert share_correct(Simulator(model, "s"), "Ours 3") > 0.75
    assert Simulator(model, "s").chance_of_a_match(Simulator(model, "s").person(0), "Ours 3", 1, 4) == 1


@given(st.text(max_size=5), st.integers(0, 10**6), st.integers(0, 100), st.integers(2, 12), st.data())
def test_answers_are_valid_and_the_same_on_every_call(seed, number, position, size, data):
    target = data.draw(st.integers(0, size - 1))
    simulator = Simulator(Behaviour(), seed)
    person = simulator.person(number)
    match = simulator.match(person, position, "Ours 2", "image", target, size)
    rating = simulator.rate(person, position, "Ours 2", "image")
    assert match.choice is None or 0 <= match.choice < size
    assert 0 <= rating.rating <= 6
    assert min(match.rt_ms, rating.rt_ms) > 0
    again = Simulator(Behaviour(), seed)
    assert again.person(number) == person
    assert again.match(person, position, "Ours 2", "image", target, size) == match
    assert again.rate(person, position, "Ours 2", "image") == rating


def test_another_seed_is_another_population():
    one, two = Simulator(Behaviour(), "one"), Simulator(Behaviour(), "two")
    assert one.person(3).ability != two.person(3).ability


def test_abilities_have_the_spread_of_the_model():
    abilities = [Simulator(Behaviour(), "s").person(p).ability for p in range(2000)]
    assert pstdev(abilities) == pytest.approx(0.7, rel=0.08)
    assert mean(abilities) == pytest.approx(0, abs=0.07)


def test_some_images_are_easier_than_others_for_everybody():
    simulator = Simulator(Behaviour(image_column_sd=0), "s")
    person = simulator.person(0)
    chances = [simulator.chance_of_a_match(person, "Grad-CAMs", i, 4) for i in range(50)]
    others = [simulator.chance_of_a_match(simulator.person(1), "Grad-CAMs", i, 4) for i in range(50)]
    assert sorted(range(50), key=chances.__getitem__) == sorted(range(50), key=others.__getitem__)
    assert max(chances) - min(chances) > 0.3


def test_wrong_choices_fall_on_every_distractor_and_on_cant_tell():
    simulator = Simulator(Behaviour(effects={"hard": Effect(0.25, 1)}), "s")
    choices = Counter(simulator.match(simulator.person(p), 0, "hard", p, 1, 4).choice for p in range(600))
    assert set(choices) == {None, 0, 1, 2, 3}
    assert max(choices[0], choices[2], choices[3]) < 2 * min(choices[0], choices[2], choices[3])


def test_drop_outs_leave_at_the_declared_rate_and_stay_away():
    simulator = Simulator(Behaviour(drop_out=0.3), "s")
    people = [simulator.person(p) for p in range(1000)]
    leavers = [person for person in people if person.leaves_at is not None]
    assert 240 < len(leavers) < 360
    for person in leavers[:50]:
        answered = [person.stays_for(position, 30) for position in range(30)]
        assert answered == sorted(answered, reverse=True)
        assert not answered[29] or person.leaves_at > 29 / 30
    assert all(person.stays_for(29, 30) for person in people if person.leaves_at is None)


def test_careless_people_fail_checks_and_others_rarely_do():
    simulator = Simulator(Behaviour(careless=0.5), "s")
    failed: dict[bool, list[bool]] = {True: [], False: []}
    for p in range(1000):
        person = simulator.person(p)
        failed[person.lapse == 0.5].append(simulator.check(person, 5, 3, 7) != 3)
    assert mean(failed[True]) == pytest.approx(0.5 * 6 / 7, abs=0.1)
    assert mean(failed[False]) < 0.05


def test_times_have_the_declared_medians():
    simulator = Simulator(Behaviour(lapse=0, careless=0), "s")
    times = [simulator.rate(simulator.person(p), 0, "Ours 1", p).rt_ms for p in range(1500)]
    assert median(times) == pytest.approx(3500, rel=0.08)


def test_a_population_without_differences_has_one_truth_for_all_columns():
    null = Behaviour(lapse=0.1).without_differences()
    assert len({null.effect(column) for column in PAPER_EFFECTS}) == 1
    assert null.lapse == 0.1


@pytest.mark.parametrize(("faith", "index"), [(1.2, 3), (-0.1, 3), (0.5, 7), (0.5, -1)])
def test_an_effect_out_of_range_is_refused(faith, index):
    with pytest.raises(ValueError, match=r"share in 0\.\.1"):
        Effect(faith, index)
