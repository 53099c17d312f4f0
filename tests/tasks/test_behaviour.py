"""Simulated participants: seeded, with the planted effects as marginal values, lapses and drop-outs."""

from collections import Counter
from math import log, sqrt
from statistics import mean, median, pstdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey_site.tasks import registry
from survey_site.tasks.behaviour import Behaviour, Person, Simulated, SimulatedTrial, Simulator
from survey_site.tasks.matching import behaviour as matching
from survey_site.tasks.planted import without_differences
from survey_site.tasks.rating import behaviour as rating

PEOPLE, IMAGES = 60, 60
BOTH = registry.of_names(["matching", "rating"])


def match(
    simulator: Simulator, person: Person, position: int, column: str, target: str, right: int, size: int
) -> Simulated:
    """An answer in the matching task with the target at place `right` of a pool."""
    pool = tuple(f"other {place}" if place != right else target for place in range(size))
    trial = SimulatedTrial("matching", position, column, target, pool, right)
    return matching.behave(simulator, person, trial)


def rate(simulator: Simulator, person: Person, position: int, column: str, target: str) -> Simulated:
    return rating.behave(simulator, person, SimulatedTrial("rating", position, column, target))


def share_correct(simulator: Simulator, column: str, pool_size: int = 4) -> float:
    answers = [
        match(simulator, simulator.person(p), i, column, f"image {i}", i % pool_size, pool_size).fields[
            "choice"
        ]
        == str(i % pool_size)
        for p in range(PEOPLE)
        for i in range(IMAGES)
    ]
    return mean(answers)


def mean_rating(simulator: Simulator, column: str) -> float:
    return mean(
        int(rate(simulator, simulator.person(p), i, column, f"image {i}").fields["rating"])
        for p in range(PEOPLE)
        for i in range(IMAGES)
    )


@pytest.mark.parametrize("column", ["Grad-CAMs", "Ours 1", "Ours 5"])
def test_averaged_over_people_and_images_the_planted_values_come_out(column):
    model = Behaviour()
    # A random intercept of .7 on the logit moves a share by at most .25 × .7; 60 people and 60 images.
    tolerance = 4 * 0.25 * sqrt((0.7**2 + 0.7**2 + 0.5**2) / 60)
    simulator = Simulator(model, "planted")
    assert share_correct(simulator, column) == pytest.approx(matching.PLANTED[column], abs=tolerance)
    assert mean_rating(simulator, column) == pytest.approx(rating.PLANTED[column], abs=4 * 0.8 / sqrt(60))


def test_without_random_effects_the_planted_values_are_exact_up_to_sampling():
    people = {
        "matching": matching.Matchers(ability_sd=0, image_sd=0, image_column_sd=0),
        "rating": rating.Raters(rater_sd=0, image_sd=0, image_column_sd=0),
    }
    model = Behaviour(careless=0, people=people)
    simulator = Simulator(model, "exact")
    for column in ("Grad-CAMs", "Ours 4"):
        faith, index = matching.PLANTED[column], rating.PLANTED[column]
        error = sqrt(faith * (1 - faith) / (PEOPLE * IMAGES))
        assert share_correct(simulator, column) == pytest.approx(faith, abs=4 * error)
        assert mean_rating(simulator, column) == pytest.approx(index, abs=4 * 1.2 / 60)


def test_many_lapses_leave_the_planted_share():
    alike = matching.Matchers(ability_sd=0, image_sd=0, image_column_sd=0)
    simulator = Simulator(Behaviour(careless=0, lapse=0.3, people={"matching": alike}), "s")
    assert share_correct(simulator, "Ours 3") > 0.75
    assert matching.chance_of_a_match(simulator, simulator.person(0), "Ours 3", "1", 4) == 1


@given(st.text(max_size=5), st.integers(0, 10**6), st.integers(0, 100), st.integers(2, 12), st.data())
def test_answers_are_valid_and_the_same_on_every_call(seed, number, position, size, data):
    target = data.draw(st.integers(0, size - 1))
    simulator = Simulator(Behaviour(), seed)
    person = simulator.person(number)
    matched = match(simulator, person, position, "Ours 2", "image", target, size)
    rated = rate(simulator, person, position, "Ours 2", "image")
    assert matched.fields["choice"] in {"cant_tell", *map(str, range(size))}
    assert 0 <= int(rated.fields["rating"]) <= 6
    assert min(matched.rt_ms, rated.rt_ms) > 0
    again = Simulator(Behaviour(), seed)
    assert again.person(number) == person
    assert match(again, person, position, "Ours 2", "image", target, size) == matched
    assert rate(again, person, position, "Ours 2", "image") == rated


def test_another_seed_is_another_population():
    one, two = Simulator(Behaviour(), "one"), Simulator(Behaviour(), "two")
    assert one.person(3).speed != two.person(3).speed
    assert chance(one, 3, "1") != chance(two, 3, "1")


def chance(simulator: Simulator, person: int, target: str) -> float:
    return matching.chance_of_a_match(simulator, simulator.person(person), "Grad-CAMs", target, 4)


def test_abilities_have_the_spread_of_the_model():
    alike = matching.Matchers(image_sd=0, image_column_sd=0)
    simulator = Simulator(Behaviour(people={"matching": alike}), "s")
    logits = [log(p / (1 - p)) for p in (chance(simulator, person, "1") for person in range(2000))]
    assert pstdev(logits) == pytest.approx(0.7, rel=0.08)


def test_some_images_are_easier_than_others_for_everybody():
    simulator = Simulator(Behaviour(people={"matching": matching.Matchers(image_column_sd=0)}), "s")
    chances = [chance(simulator, 0, str(i)) for i in range(50)]
    others = [chance(simulator, 1, str(i)) for i in range(50)]
    assert sorted(range(50), key=chances.__getitem__) == sorted(range(50), key=others.__getitem__)
    assert max(chances) - min(chances) > 0.3


def test_wrong_choices_fall_on_every_distractor_and_on_cant_tell():
    simulator = Simulator(Behaviour(effects={"matching": {"hard": 0.25}}), "s")
    choices = Counter(
        match(simulator, simulator.person(p), 0, "hard", str(p), 1, 4).fields["choice"] for p in range(600)
    )
    assert set(choices) == {"cant_tell", "0", "1", "2", "3"}
    wrong = [choices["0"], choices["2"], choices["3"]]
    assert max(wrong) < 2 * min(wrong)


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
    times = [rate(simulator, simulator.person(p), 0, "Ours 1", str(p)).rt_ms for p in range(1500)]
    assert median(times) == pytest.approx(3500, rel=0.08)


def test_a_population_without_differences_has_one_truth_for_all_columns():
    null = Simulator(without_differences(Behaviour(lapse=0.1), BOTH), "s")
    assert len({matching.effect(null, column) for column in matching.PLANTED}) == 1
    assert len({rating.effect(null, column) for column in rating.PLANTED}) == 1
    assert null.behaviour.lapse == 0.1


@pytest.mark.parametrize(
    ("task", "value"), [("matching", 1.2), ("matching", -0.1), ("rating", 7), ("rating", -1)]
)
def test_an_effect_out_of_range_is_refused(task, value):
    simulator = Simulator(Behaviour(effects={task: {"Ours 1": value}}), "s")
    trial = SimulatedTrial(task, 0, "Ours 1", "image", ("image", "other"), 0)
    with pytest.raises(ValueError, match=r"lies in 0\.\."):
        registry.task(task).behave(simulator, simulator.person(0), trial)
