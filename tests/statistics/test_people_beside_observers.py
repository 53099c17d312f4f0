"""Observers on the trials of people, beside counting by hand."""

import numpy as np
import pytest

from survey_site.statistics import observers
from survey_site.statistics.data import Trials, from_columns
from survey_site.statistics.uncertainty import Sample, mean_contrast, proportion_interval

SEEN = ("a", "b", "c", "d")


def trials_of(rows: list[tuple[int, int, str, dict[str, object] | None]]) -> Trials:
    """Participant, pool, the person's choice and the observer's; the source is always `a` of its pool."""
    columns: dict[str, list[object]] = {name: [] for name in NAMES}
    for person, pool, choice, found in rows:
        shown = [f"{name}{pool}" for name in SEEN]
        values = (
            f"p{person}", "matching", "c", f"a{pool}", "|".join(shown), f"{choice}{pool}" if choice else "cant_tell",
            float(choice == "a"), int(not choice), found,
        )  # fmt: skip
        for name, value in zip(NAMES, values, strict=True):
            columns[name].append(value)
    return from_columns(columns)


NAMES = ("participant", "task", "column", "stimulus", "pool", "choice", "score", "declined", "observed")


def said(choice: str, pool: int) -> dict[str, object]:
    return {"edge": {"choice": f"{choice}{pool}" if choice else "", "right": int(choice == "a")}}


def random_rows(seed: int, people: int = 12, pools: int = 10):
    rng = np.random.default_rng(seed)
    machine = {pool: rng.choice(list("aaabcd")) for pool in range(pools)}
    return [
        (person, pool, str(rng.choice(list("aabcd"))), said(str(machine[pool]), pool))
        for person in range(people)
        for pool in range(pools)
    ]


def test_the_share_right_has_the_interval_that_people_get():
    trials = trials_of(random_rows(1))
    right = observers.right(trials, "edge")
    found = observers.beside(trials, 0.95)["edge"]["accuracy"]
    assert found["percent"] == pytest.approx(100 * right.mean())
    sample = Sample(right, trials.participant.codes, trials.item.codes)
    assert found["ci"] == pytest.approx(proportion_interval(sample).pair(100))


def test_what_people_know_beyond_is_paired_trial_by_trial():
    rows = random_rows(2)
    trials = trials_of([*rows, (0, 99, "a", None)])  # where no observer was tried it is not counted
    found = observers.beyond(trials, "edge", 0.95)
    people = [float(choice == "a") for *_, choice, _ in rows]
    machine = [float(row[3]["edge"]["right"]) for row in rows]
    assert found["n"] == len(rows)
    assert found["difference_percent"] == pytest.approx(100 * (np.mean(people) - np.mean(machine)))
    used = trials_of(rows)
    sample = Sample(np.array(people) - machine, used.participant.codes, used.item.codes)
    low, high = mean_contrast(sample).interval.pair(100)
    assert found["ci"] == pytest.approx([max(low, -100), min(high, 100)])


def test_agreement_of_errors_is_cohens_kappa():
    rows = random_rows(3)
    people = np.array([choice == "a" for *_, choice, _ in rows])
    machine = np.array([row[3]["edge"]["right"] == 1 for row in rows])
    table = np.array([[np.sum((people == p) & (machine == m)) for m in (0, 1)] for p in (0, 1)]) / len(rows)
    chance = (table.sum(0) * table.sum(1)).sum()
    found = observers.agreement(trials_of(rows), "edge", 0.95)
    assert found["kappa"] == pytest.approx((np.trace(table) - chance) / (1 - chance))
    low, high = found["ci"]
    assert low < found["kappa"] < high


def test_people_who_follow_the_observer_agree_and_others_do_not():
    both = [(person, pool) for person in range(8) for pool in range(8)]
    follow = [(p, pool, "ba"[pool % 2], said("ba"[pool % 2], pool)) for p, pool in both]
    against = [(p, pool, "ba"[pool % 2], said("ab"[pool % 2], pool)) for p, pool in both]
    assert observers.agreement(trials_of(follow), "edge", 0.95)["kappa"] == pytest.approx(1)
    assert observers.agreement(trials_of(follow), "edge", 0.95)["same"] == 1
    assert observers.agreement(trials_of(against), "edge", 0.95)["kappa"] == pytest.approx(-1)


def test_where_one_of_both_never_errs_or_always_nothing_is_said_of_agreement():
    both = [(person, pool) for person in range(6) for pool in range(6)]
    for people, machine in (("aaa", "abc"), ("abc", "aaa"), ("bcd", "aab"), ("aab", "bcd")):
        rows = [(p, pool, people[(p + pool) % 3], said(machine[pool % 3], pool)) for p, pool in both]
        found = observers.agreement(trials_of(rows), "edge", 0.95)
        assert (found["kappa"], found["ci"], found["reason"]) == (None, None, observers.NO_VARIATION)


def test_the_interval_of_kappa_covers_what_a_larger_sample_has():
    rng = np.random.default_rng(5)
    covered, rounds = 0, 60
    for seed in range(rounds):
        machine = {pool: bool(rng.random() < 0.6) for pool in range(30)}
        rows = []
        for person in range(30):
            for pool in range(30):
                right = rng.random() < (0.8 if machine[pool] else 0.4)
                rows.append((person, pool, "a" if right else "b", said("a" if machine[pool] else "c", pool)))
        found = observers.agreement(trials_of(rows), "edge", 0.95)
        # P(right) 0.64, observer 0.6: o = 0.6·0.8 + 0.4·0.6 = 0.72, e = 0.64·0.6 + 0.36·0.4 = 0.528.
        truth = (0.72 - 0.528) / (1 - 0.528)
        covered += found["ci"][0] <= truth <= found["ci"][1]
        del seed
    assert covered >= 0.85 * rounds


def test_both_wrong_with_the_same_image_is_counted_of_those_who_chose():
    rows = [
        (0, 0, "b", said("b", 0)),  # the same wrong image
        (0, 1, "c", said("b", 1)),  # another
        (1, 0, "", said("b", 0)),  # declined: chose none
        (1, 1, "b", said("", 1)),  # the observer chose none
        (1, 2, "a", said("b", 2)),
    ]
    found = observers.agreement(trials_of(rows), "edge", 0.95)
    assert (found["same"], found["both_wrong"]) == (0.5, 2)


def test_without_observers_there_is_nothing():
    trials = trials_of([(0, 0, "a", None), (1, 1, "b", None)])
    assert observers.beside(trials, 0.95) == {}
    assert observers.beyond(trials, "edge", 0.95)["n"] == 0
    assert observers.agreement(trials, "edge", 0.95)["kappa"] is None


def test_where_both_are_always_right_no_agreement_can_be_told():
    trials = trials_of([(p, pool, "a", said("a", pool)) for p in range(3) for pool in range(3)])
    found = observers.agreement(trials, "edge", 0.95)
    assert found["kappa"] is None
    assert found["reason"]
