"""Pools that show another image of the source's class, and never the source."""

import itertools
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey_site.design.assignment import Design, exposed, plan
from survey_site.design.design import DesignError
from survey_site.design.exemplar_pools import exemplar_pools, missing_exemplars
from survey_site.design.feasibility import assess
from survey_site.design.layout import lay_out
from survey_site.design.pools import Candidate, PoolError
from survey_site.design.spec import ColumnSpec, Spec
from survey_site.protocols.document import RULES
from survey_site.tasks import registry
from survey_site.tasks.settings import TRIALS

CLASSES = st.lists(st.integers(1, 9), min_size=1, max_size=8)


def images(sizes: list[int]) -> list[Candidate]:
    labels = [f"class {number}" for number, size in enumerate(sizes) for _ in range(size)]
    return [Candidate(place, label) for place, label in enumerate(labels)]


def spec_with(participants: int = 24, columns: int = 3, checks: int = 0, **choices: object) -> Spec:
    matching, rating = registry.task("matching"), registry.task("rating")
    own = {TRIALS: 2, "pool_size": 4, "another_exemplar": True} | choices
    return Spec(
        columns=tuple(ColumnSpec(f"column {c}", (f"c{c}",)) for c in range(columns)),
        participants=participants,
        seed="s",
        rules=RULES,
        tasks=(matching.spec(matching.effective(own)), rating.spec({TRIALS: 2})),
        attention_checks=checks,
    )


def laid_out(spec: Spec, sizes: list[int]) -> Design:
    reserve = images([6] * 6)
    named = {f"reserve {one.id}": one.label for one in reserve}
    return lay_out(spec, images(sizes), list(named), named).design(spec)


def could_be_made(sizes: tuple[int, ...], size: int, count: int) -> bool:
    """By trying every choice of source classes and of others: the second implementation, for a few small classes."""
    if not count:
        return True
    for source, number in enumerate(sizes):
        if number < 2:
            continue
        others = [place for place, left in enumerate(sizes) if left and place != source]
        for chosen in itertools.combinations(others, size - 1):
            left = tuple(n - 2 * (p == source) - (p in chosen) for p, n in enumerate(sizes))
            if could_be_made(left, size, count - 1):
                return True
    return False


@settings(max_examples=150, deadline=None)
@given(sizes=CLASSES, size=st.integers(2, 5), count=st.integers(1, 8), seed=st.text(max_size=3))
def test_a_pool_shows_one_image_of_the_sources_class_and_each_class_once(sizes, size, count, seed):
    candidates = images(sizes)
    if missing_exemplars([one.label for one in candidates], size=size, count=count):
        with pytest.raises(PoolError, match="add"):
            exemplar_pools(candidates, size=size, count=count, seed=seed)
        return
    labels = {one.id: one.label for one in candidates}
    pools = [pool.stimuli for pool in exemplar_pools(candidates, size=size, count=count, seed=seed)]
    used = [image for pool in pools for image in pool]
    assert len(pools) == count
    assert len(set(used)) == len(used) == count * (size + 1)
    for source, exemplar, *others in pools:
        assert labels[source] == labels[exemplar]
        shown = [labels[image] for image in (exemplar, *others)]
        assert len(set(shown)) == size


@settings(max_examples=120, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 4), min_size=1, max_size=4), size=st.integers(2, 3), count=st.integers(1, 3)
)
def test_what_is_promised_by_number_is_what_can_be_made(sizes, size, count):
    labels = [one.label for one in images(sizes)]
    promised = missing_exemplars(labels, size=size, count=count) == 0
    assert promised == could_be_made(tuple(sizes), size, count)


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 3), min_size=1, max_size=3), size=st.integers(2, 3), count=st.integers(1, 2)
)
def test_no_fewer_images_than_the_missing_ones_would_do(sizes, size, count):
    labels = [one.label for one in images(sizes)]
    missing = missing_exemplars(labels, size=size, count=count)
    names = sorted({*labels, *(f"new {n}" for n in range(max(missing, 1)))})
    for fewer in itertools.combinations_with_replacement(names, max(missing - 1, 0)):
        counts = tuple(Counter([*labels, *fewer]).values())
        assert missing == 0 or not could_be_made(counts, size, count)


def test_a_class_is_the_right_one_in_one_of_four_pools_that_show_it():
    pools = exemplar_pools(images([40] * 8), size=4, count=60, seed="s")
    labels = {one.id: one.label for one in images([40] * 8)}
    asked = Counter(labels[pool.stimuli[0]] for pool in pools)
    shown = Counter(labels[image] for pool in pools for image in pool.stimuli[1:])
    for name in shown:
        assert asked[name] / shown[name] == pytest.approx(0.25, abs=0.04)


def test_the_source_is_never_shown_and_its_exemplar_stands_at_the_answers_place():
    spec = spec_with(checks=2)
    labels = {one.id: one.label for one in images([12] * 8)}
    design = laid_out(spec, [12] * 8)
    for ticket in range(design.period):
        before: set[object] = set()
        for trial in plan(design, ticket):
            if trial.task != "matching":
                break
            assert trial.target not in trial.pool
            assert trial.target not in before  # in no role, before its map is matched
            assert len(trial.pool) == 4
            if trial.column is not None:
                answer = trial.pool[trial.target_position]
                assert labels[answer] == labels[trial.target]
                assert sum(labels[image] == labels[trial.target] for image in trial.pool) == 1
            before |= exposed([trial])


def test_the_answer_stands_at_each_place_equally_often_and_cells_are_balanced():
    spec = spec_with(participants=24)
    design = laid_out(spec, [12] * 8)
    trials = [t for n in range(24) for t in plan(design, n) if t.task == "matching" and t.column is not None]
    places = Counter(trial.target_position for trial in trials)
    assert max(places.values()) - min(places.values()) <= len(trials) // 4 // 4
    cells = Counter((trial.pool_index, trial.column) for trial in trials)
    assert len(set(cells.values())) == 1
    sums = sum(trial.probability for trial in trials)
    assert sums == pytest.approx(len(trials) ** 2 / (24 * len(cells)))


def test_practice_and_checks_show_another_exemplar_too():
    design = laid_out(spec_with(checks=3), [12] * 8)
    reserve = {f"reserve {one.id}": one.label for one in images([6] * 6)}
    apart = [t for t in plan(design, 0) if t.task == "matching" and t.column is None]
    assert len(apart) == 1 + 1
    for trial in apart:
        assert trial.target not in trial.pool
        assert reserve[str(trial.pool[trial.target_position])] == reserve[str(trial.target)]


def test_a_reserve_without_two_of_a_class_is_told_before_the_freeze():
    spec = spec_with()
    labels = [one.label for one in images([12] * 8)]
    found = assess(spec, labels, reserve=5, reserve_labels=["a", "b", "c", "d", "e"])
    told = [finding for finding in found.findings if finding.code == "reserve"]
    assert [finding.blocking for finding in told] == [True]
    with pytest.raises(DesignError, match="Of the reserve images"):
        lay_out(spec, images([12] * 8), list("abcde"), {letter: letter for letter in "abcde"})


def test_the_designer_is_told_the_numbers():
    labels = [one.label for one in images([12] * 8)] + [""] * 5
    found = assess(spec_with(), labels, reserve=5, reserve_labels=["a", "a", "b", "c", "d"])
    (told,) = [finding for finding in found.findings if finding.code == "exemplars"]
    assert "30 images for 6 pools" in told.text
    assert "8 of 8 classes have two images or more" in told.text
    assert "5 images have no class" in told.text
    assert found.task("matching").chance == pytest.approx(1 / 4)
    assert found.feasible


def test_too_few_images_of_one_class_are_named_by_number():
    found = assess(
        spec_with(), [f"class {n}" for n in range(60)], reserve=5, reserve_labels=["a", "a", "b", "c", "d"]
    )
    assert not found.feasible
    assert found.images_missing == 6
    assert any("two images of one class" in finding.change for finding in found.findings if finding.blocking)


def test_pools_by_hand_begin_with_the_source_and_hold_one_exemplar():
    labels = {one.id: one.label for one in images([2] * 40)}
    pools = [[2 * n, 20 + 2 * n, 2 * n + 1, 40 + 2 * n, 60 + 2 * n] for n in range(6)]
    spec = spec_with(pool_strategy="fixed", fixed_pools=pools)
    design = laid_out(spec, [2] * 40)
    assert [item[:2] for item in design.task("matching").items] == [(2 * n, 2 * n + 1) for n in range(6)]
    assert labels[0] == labels[1]
    wrong = replace(spec.tasks[0], fixed_groups=(*pools[:5], [10, 12, 14, 16, 18]))
    with pytest.raises(PoolError, match="Fixed pool 6 must begin with the source"):
        laid_out(replace(spec, tasks=(wrong, *spec.tasks[1:])), [2] * 40)
