"""Columns that repeat few values: as lists say them, converted once for each value, in few bytes for each row."""

from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from survey_site.statistics import data
from survey_site.statistics.factor import Factor
from survey_site.statistics.repeated import Gathered, Repeated
from survey_site.statistics.stored import Stored
from survey_site.statistics.table import in_order
from survey_site.tasks.csv_rows import scored
from tests.statistics.two_tasks import TASKS, load


def test_a_column_is_what_its_rows_say() -> None:
    rows = ["b", None, "a", "b", "", "c", "b"]
    column = Repeated.of(rows)
    assert list(column) == rows and len(column) == 7 and column[3] == "b" and list(column[1:3]) == [None, "a"]
    assert column.values == ["b", None, "a", "", "c"]


def test_a_function_is_asked_once_for_each_value() -> None:
    asked = []

    def length(value: str) -> int:
        asked.append(value)
        return len(value)

    assert list(Repeated.of(["aa", "b", "aa", "aa"]).map(length)) == [2, 1, 2, 2]
    assert asked == ["aa", "b"]


def test_columns_beside_each_other_are_joined_row_by_row() -> None:
    joined = Repeated.joined(["a", "b", "a"], Repeated.of([1, 2, 1]))
    assert list(joined) == [("a", 1), ("b", 2), ("a", 1)] and len(joined.values) == 2


def test_a_column_grows_by_rows_of_its_own() -> None:
    gathered = Gathered()
    gathered.extend("abc")
    gathered.repeat([2, 0])
    gathered.extend("d")
    assert "".join(gathered.column()) == "abccad"


def test_trials_are_the_same_from_lists_and_from_such_columns(made_up: Any) -> None:
    rows = list(scored(made_up(), TASKS))
    lists = {name: [row.get(name) for row in rows] for name in {name for row in rows for name in row}}
    one = data.from_columns(lists)
    other = data.from_columns({name: Repeated.of(column) for name, column in lists.items()})
    for field in fields(one):
        first, second = getattr(one, field.name), getattr(other, field.name)
        if isinstance(first, Factor):
            assert first.labels == second.labels
        if isinstance(first, Factor | Stored):
            first, second = first.codes, second.codes
        assert np.array_equal(first, second, equal_nan=first.dtype.kind == "f"), field.name


def test_a_million_trials_need_150_megabytes(made_up: Any) -> None:
    trials = load(made_up(participants=200))
    size = 0
    for field in fields(trials):
        part = getattr(trials, field.name)
        size += part.kept.nbytes if isinstance(part, Factor | Stored) else part.nbytes
    assert size / len(trials) < 150


def test_codes_are_wide_enough_for_products(made_up: Any) -> None:
    trials = load(made_up())
    assert trials.participant.kept.dtype == np.int8 and trials.participant.codes.dtype == np.int64


def test_trials_that_all_stay_in_their_order_are_not_copied(made_up: Any) -> None:
    trials = in_order(load(made_up()))
    assert trials.select(np.ones(len(trials), np.bool_)) is trials
    assert in_order(trials) is trials


@pytest.mark.parametrize("flag", [0, 0.0, False, "0", "false", "", None])
def test_what_is_not_excluded_is_said_in_many_ways(flag: Any) -> None:
    row = {
        "participant": "p",
        "task": "rating",
        "column": "A",
        "stimulus": "x",
        "rating": 3,
        "excluded": flag,
    }
    assert load([row]).exclusion.codes.tolist() == [-1]


@pytest.mark.parametrize(("word", "outcome"), [(1.0, 3), (1, 3), ("1", 3), (0.0, 0), (0, 0), ("passed", 1)])
def test_checks_out_of_a_data_frame_are_checks(word: Any, outcome: int) -> None:
    row = {
        "participant": "p",
        "task": "rating",
        "column": "A",
        "stimulus": "x",
        "rating": 3,
        "attention_check": word,
    }
    assert load([row]).check.tolist() == [outcome]
