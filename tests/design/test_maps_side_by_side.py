"""Trials that show several maps: of other columns in turn, or of other classes under one column; halves of mistakes."""

from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey_site.design.assignment import plan
from survey_site.design.design import Design, DesignError, TaskPlan
from survey_site.design.feasibility import assess
from survey_site.design.halves import Predicted, in_halves, lacking_halves, predicted
from survey_site.design.layout import lay_out
from survey_site.design.pools import Candidate, PoolError
from survey_site.design.spec import ColumnSpec, Rules, Spec
from survey_site.design.task_spec import TaskSpec


def design(columns: int, trials: int, items: int, **of_task: object) -> Design:
    task = TaskPlan(
        "duel",
        trials * columns,
        items=tuple((f"i{n}",) for n in range(items)),
        practice=(("r0",), ("r1",)),
        **of_task,  # type: ignore[arg-type]
    )
    return Design("s", tuple((f"c{n}",) for n in range(columns)), (task,))


@pytest.mark.parametrize(("columns", "trials"), [(2, 1), (3, 2), (4, 3), (6, 5)])
def test_every_two_columns_meet_equally_often(columns: int, trials: int) -> None:
    own = design(columns, trials, columns * trials * 2, ranks=(0, 0))
    met: Counter[frozenset[int]] = Counter()
    for ticket in range(columns * (columns - 1) * 2):
        for trial in plan(own, ticket):
            if trial.column is not None:
                met[frozenset(shown.column for shown in trial.maps)] += 1
                assert trial.maps[trial.first].column == trial.column
    pairs = [frozenset(pair) for pair in combinations(range(columns), 2)]
    assert set(met) == set(pairs) and len(set(met.values())) == 1


def test_an_image_does_not_always_meet_the_same_two_columns() -> None:
    own = design(3, 2, 12, ranks=(0, 0))
    pairs: dict[str, set[frozenset[int]]] = {}
    for ticket in range(36):
        for trial in plan(own, ticket):
            if trial.column is not None:
                shown = frozenset(each.column for each in trial.maps)
                pairs.setdefault(str(trial.target), set()).add(shown)
    assert all(len(found) == 3 for found in pairs.values())


def test_maps_of_four_classes_stand_under_one_column_and_the_first_takes_every_place() -> None:
    items = tuple((f"i{n}",) for n in range(12))
    task = TaskPlan(
        "four", 8, items, practice=(("r0",), ("r1",)), ranks=(0, 1, 2, 3), together=True, columns=(0, 2)
    )
    own = Design("s", (("c0",), ("c1",), ("c2",)), (task,))
    places: Counter[int] = Counter()
    for ticket in range(8):
        for trial in plan(own, ticket):
            assert sorted(shown.rank for shown in trial.maps) == [0, 1, 2, 3]
            assert len({shown.condition for shown in trial.maps}) == 1
            assert trial.maps[trial.first].rank == 0
            assert trial.column in (None, 0, 2) and trial.condition != "c1"
            if trial.column is not None:
                places[trial.first] += 1
    assert set(places.values()) == {16}


def test_a_column_of_its_own_is_needed_for_each_map_that_is_not_together() -> None:
    with pytest.raises(DesignError, match="there is 1 column"):
        design(1, 2, 4, ranks=(0, 0))
    assert design(1, 2, 4, ranks=(0, 1, 2, 3), together=True)


def spec_of(per_column: int, columns: int = 3, participants: int = 12) -> Spec:
    task = TaskSpec("doubt", per_column, predictions=True, half_mistaken=True)
    named = tuple(ColumnSpec(f"C{n}", (f"c{n}",)) for n in range(columns))
    return Spec(named, participants, "seed", Rules(few_items=0), (task,), practice_trials=0)


@given(st.integers(1, 3), st.integers(1, 4), st.integers(0, 5), st.integers(0, 5))
@settings(max_examples=40, deadline=None)
def test_every_participant_meets_both_halves_equally_often_under_every_column(
    half: int, columns: int, more_right: int, more_wrong: int
) -> None:
    spec = spec_of(2 * half, columns)
    need = half * columns
    rights = [True] * (need + more_right) + [False] * (need + more_wrong) + [None] * 2
    images = [Candidate(f"i{n}", "x", right=right) for n, right in enumerate(rights)]
    own = lay_out(spec, images, []).design(spec)
    known = {str(image.id): image.right for image in images}
    for ticket in range(2 * columns):
        met = Counter((trial.column, known[str(trial.target)]) for trial in plan(own, ticket))
        assert met == {(column, kind): half for column in range(columns) for kind in (True, False)}


def test_too_few_mistakes_are_told_with_numbers() -> None:
    spec = spec_of(4)
    images = [Candidate(f"i{n}", "x", right=n >= 2) for n in range(40)]
    with pytest.raises(
        PoolError, match=r"shows 6 right and 6 wrong predictions, but 38 .* 2 for something else"
    ):
        lay_out(spec, images, [])
    told = assess(spec, ["x"] * 40, found=predicted([image.right for image in images]))
    (finding,) = [finding for finding in told.findings if finding.blocking]
    assert "Add 4 images that the network takes for something else" in finding.change


def test_no_mistake_an_odd_number_and_classes_of_other_names_are_told_apart() -> None:
    none, odd = lacking_halves("doubt", 12, Predicted(40, 0)), assess(spec_of(3), ["x"] * 40)
    assert none and "40 images are taken for what they are, 0 for something else" in none[0]
    assert "Ask for 2 or 4 trials per column." in [finding.change for finding in odd.findings]
    named = lacking_halves("doubt", 12, Predicted(0, 40))
    assert named and "of 40 images no prediction is the image's class" in named[0]
    unknown = lacking_halves("doubt", 12, Predicted(0, 0, 40))
    assert unknown and "Compute the maps first" in unknown[1]


def test_before_the_maps_are_there_the_designer_is_told_without_being_stopped() -> None:
    told = assess(spec_of(4), ["x"] * 40)
    assert told.feasible and any("not known yet" in finding.text for finding in told.findings)


def test_where_there_are_enough_the_balance_is_declared() -> None:
    told = assess(spec_of(4), ["x"] * 40, found=Predicted(25, 13, 2))
    (line,) = [finding.text for finding in told.findings if finding.code == "doubt_halves"]
    assert "25 for what they are and 13 for something else: the task doubt shows 12 of each kind" in line


def test_halves_take_turns_with_every_round_of_columns() -> None:
    found = list(in_halves(["r0", "r1", "r2", "r3"], ["w0", "w1", "w2", "w3"], 4, 2, 2))
    assert found == ["r0", "r1", "r2", "r3", "w0", "w1", "w2", "w3"]
