"""Feasibility: exact numbers that the layout then keeps, and findings that say what to change."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey_site.design.assignment import Design, DesignError, plan
from survey_site.design.feasibility import PAGES_S, PRACTICE_S, assess
from survey_site.design.layout import groups, lay_out
from survey_site.design.pools import Candidate, PoolError
from survey_site.design.spec import ColumnSpec, Spec
from survey_site.design.task_spec import TaskSpec
from survey_site.protocols.document import RULES
from survey_site.tasks import registry
from survey_site.tasks.settings import TRIALS


def spec_with(columns: int = 6, variants: int = 1, **choices) -> Spec:
    made = tuple(
        ColumnSpec(f"column {c}", tuple(f"{c}.{v}" for v in range(variants))) for c in range(columns)
    )
    own = {name: choices.pop(name) for name in MATCHING if name in choices}
    common = {"columns": made, "participants": 24, "seed": "s", "rules": RULES, "tasks": both(**own)}
    return Spec(**common | choices)


MATCHING = ("matching_per_column", "rating_per_column", "pool_size", "strategy", "fixed_pools")


def both(
    matching_per_column=1, rating_per_column=4, pool_size=4, strategy="random", fixed_pools=()
) -> tuple[TaskSpec, TaskSpec]:
    settings = {TRIALS: matching_per_column, "pool_size": pool_size, "pool_strategy": strategy}
    return (
        registry.task("matching").spec(
            registry.task("matching").effective(settings | {"fixed_pools": fixed_pools})
        ),
        registry.task("rating").spec({TRIALS: rating_per_column}),
    )


def labels_of(number: int, classes: int = 1000) -> list[str]:
    return [f"class {n % classes}" for n in range(number)]


def candidates_of(labels: list[str]) -> list[Candidate]:
    return [Candidate(n, label) for n, label in enumerate(labels)]


def design_of(spec: Spec, number: int, classes: int = 1000) -> Design:
    """Laid out from so many main images and as many reserve images as it needs."""
    reserve = [f"reserve {n}" for n in range(spec.reserve_images)]
    return lay_out(spec, candidates_of(labels_of(number, classes)), reserve).design(spec)


def codes(assessment) -> set[str]:
    return {finding.code for finding in assessment.findings}


SPECS = st.builds(
    spec_with,
    columns=st.integers(1, 5),
    variants=st.integers(1, 2),
    participants=st.integers(2, 40),
    pool_size=st.integers(2, 5),
    strategy=st.sampled_from(["random", "one_per_class", "same_class"]),
    matching_per_column=st.integers(0, 3),
    rating_per_column=st.integers(1, 3),
    practice_trials=st.integers(0, 2),
    attention_checks=st.integers(0, 4),
)


@settings(max_examples=80)
@given(SPECS, st.integers(0, 90), st.integers(1, 12))
def test_what_is_called_feasible_can_be_laid_out_and_what_is_not_names_the_images_missing(
    spec, number, classes
):
    labels = labels_of(number, classes)
    assessment = assess(spec, labels, spec.reserve_images)
    if assessment.images_missing:
        with pytest.raises(PoolError, match=f"Add {assessment.images_missing}") as caught:
            design_of(spec, number, classes)
        assert caught.value.missing == assessment.images_missing
        assert not assessment.feasible
        return
    design = design_of(spec, number, classes)
    for task in design.tasks:
        assert len(task.items) == assessment.task(task.task).items
    assert design.period == assessment.period
    trials = plan(design, 3)
    assert sum(t.attention_check for t in trials) == spec.attention_checks
    for name in ("matching", "rating"):
        practised = sum(t.block == "practice" and t.task == name for t in trials)
        assert practised == (spec.practice_trials if design.task(name).trials else 0)


@settings(max_examples=60)
@given(SPECS, st.integers(1, 90), st.integers(0, 10_000))
def test_adding_exactly_the_images_named_makes_the_design_feasible(spec, number, first):
    labels = labels_of(number)
    short = assess(spec, labels).images_missing
    if not spec.pooled or spec.pooled[0].strategy == "random":
        added = [f"new {first + n}" for n in range(short)]
        assert assess(spec, labels + added).images_missing == 0
        if short:
            assert assess(spec, labels + added[1:]).images_missing == 1


def test_images_needed_are_pool_size_times_trials_times_columns_and_a_reserve_beside_them():
    spec = spec_with(matching_per_column=4, practice_trials=1, attention_checks=3)
    assessment = assess(spec, [])
    assert (assessment.images_needed, assessment.reserve_needed) == (96, 4 + 4 + 2)


def test_the_shortage_names_the_numbers():
    spec = spec_with(matching_per_column=4, practice_trials=0)
    (finding,) = [f for f in assess(spec, labels_of(90)).findings if f.blocking]
    assert "needs 96 images (96 for matching (4 per pool × 4 trials × 6 columns)" in finding.text
    assert finding.change.startswith("Add 6,")


def test_a_short_reserve_is_named_before_the_freeze_and_refused_at_it():
    spec = spec_with(practice_trials=1, attention_checks=3)
    (finding,) = [f for f in assess(spec, labels_of(50), reserve=7).findings if f.blocking]
    assert finding.code == "reserve"
    assert finding.change.startswith("Mark 3 more")
    with pytest.raises(DesignError, match="need 10 reserve images, there are 7: mark 3 more"):
        lay_out(spec, candidates_of(labels_of(50)), list("abcdefg"))


def test_more_images_are_used_as_far_as_the_participants_fill_whole_squares():
    assert groups(trials=6, items=24, columns=6, participants=24) == 4
    assert groups(trials=6, items=20, columns=6, participants=24) == 2  # 3 sets would leave 24 % 18
    assert groups(trials=6, items=99, columns=6, participants=25) == 4  # no whole square: K·G ≤ N
    assert groups(trials=6, items=99, columns=6, participants=4) == 1


@pytest.mark.parametrize(("participants", "expected"), [(24, (24,)), (25, (24, 30)), (4, (6,))])
def test_the_numbers_of_participants_that_balance_are_named(participants, expected):
    spec = spec_with(participants=participants, matching_per_column=4, practice_trials=0)
    assessment = assess(spec, labels_of(96))
    assert assessment.balanced_participants == expected
    assert ("matching_cells" in codes(assessment)) == (participants not in expected)
    for number in expected:
        assert "matching_cells" not in codes(assess(replace(spec, participants=number), labels_of(96)))


def test_the_paper_design_is_told_that_it_does_not_generalise_beyond_its_images():
    assessment = assess(spec_with(participants=25), labels_of(24), reserve=4)
    assert {"matching_cells", "rating_cells", "few_items"} <= codes(assessment)
    assert assessment.feasible
    assert assessment.task("matching").chance == 0.25


def test_conditions_that_nobody_would_see_block_the_freeze():
    spec = spec_with(variants=27, participants=6)
    blocking = [f for f in assess(spec, labels_of(200), reserve=4).findings if f.blocking]
    assert {finding.code for finding in blocking} == {"variants_unseen"}
    assert "21 conditions would never be shown" in blocking[0].text
    assert "plan 27 participants" in blocking[0].change


def test_minutes_follow_the_pace():
    spec = spec_with(matching_per_column=2, rating_per_column=1, practice_trials=1, attention_checks=2)
    assessment = assess(spec, labels_of(100), seconds={"matching": 10, "rating": 5})
    assert assessment.minutes == pytest.approx((13 * 10 + 7 * 5 + 2 * PRACTICE_S + PAGES_S) / 60)
    assert assessment.minutes_of_all == pytest.approx(24 * assessment.minutes)


def test_a_long_session_is_pointed_out():
    assert "long" in codes(assess(spec_with(matching_per_column=20), labels_of(600)))


@pytest.mark.parametrize(
    ("choices", "code"),
    [
        ({"columns": 0}, "no_column"),
        ({"variants": 0}, "empty_column"),
        ({"participants": 0}, "no_participant"),
        ({"matching_per_column": 0, "rating_per_column": 0}, "no_trial"),
        ({"pool_size": 13}, "pool_size"),
    ],
)
def test_impossible_choices_are_blocked_before_anything_else(choices, code):
    assessment = assess(spec_with(**choices), labels_of(500))
    assert codes(assessment) == {code}
    assert not assessment.feasible


@pytest.mark.parametrize(
    ("choices", "code"),
    [
        ({"columns": 1}, "no_comparison"),
        ({"attention_checks": 1}, "one_check"),
        ({"participants": 1}, "one_participant"),
        ({"participants": 6, "variants": 4}, "variants_uneven"),
        ({"participants": 12, "matching_per_column": 4}, "targets"),
    ],
)
def test_weaknesses_are_named_without_blocking(choices, code):
    assessment = assess(spec_with(**choices), labels_of(200), reserve=20)
    assert code in codes(assessment)
    assert assessment.feasible


def test_ratings_alone_use_all_images_that_fill_squares():
    spec = spec_with(matching_per_column=0, rating_per_column=2, practice_trials=2)
    design = design_of(spec, 50)
    assert len(design.task("rating").items) == 48
    assert not design.task("matching").items
    assert len(design.task("rating").practice) == 2


def test_rating_is_topped_up_where_the_pools_have_too_few_images():
    spec = spec_with(
        matching_per_column=1, pool_size=2, rating_per_column=4, practice_trials=0, participants=6
    )
    design = design_of(spec, 24)
    rated = {image for (image,) in design.task("rating").items}
    assert len(rated) == 24
    assert set(design.task("matching").main) < rated


def test_practice_rates_the_images_of_the_practice_pools():
    design = design_of(spec_with(practice_trials=2), 24)
    practised = {image for (image,) in design.task("rating").practice}
    assert practised <= {s for pool in design.task("matching").practice for s in pool}


def test_fixed_pools_keep_their_images():
    fixed = tuple((2 * n, 2 * n + 1) for n in range(6))
    spec = spec_with(strategy="fixed", fixed_pools=fixed, pool_size=2, rating_per_column=1)
    assert design_of(spec, 30).task("matching").items == fixed


def test_all_fixed_pools_are_used_and_balanced_as_far_as_they_can_be():
    fixed = tuple((2 * n, 2 * n + 1) for n in range(8))
    spec = spec_with(strategy="fixed", fixed_pools=fixed, pool_size=2, practice_trials=0)
    assessment = assess(spec, labels_of(24))
    assert (assessment.task("matching").items, assessment.period) == (8, 24)
    assert "matching_cells" not in codes(assessment)
    assert "matching_cells" in codes(assess(replace(spec, participants=30), labels_of(24)))
