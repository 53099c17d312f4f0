"""The audit log's words for what a save changed."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey_site.studies import changes
from survey_site.studies.models import Study

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=120),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=3)
    ),
    max_leaves=6,
)
ROWS = st.dictionaries(st.text("abc", min_size=1, max_size=3), VALUES, max_size=4)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({"a": 1}, {"a": 2}, ["a: 1 → 2"]),
        ({"a": "x", "b": 1}, {"a": "x", "b": 1}, []),
        ({"a": None}, {"a": ""}, []),  # an empty field is not a change
        ({"a": 0}, {"a": None}, ["a: 0 → –"]),
        ({}, {"a": True}, ["a: – → true"]),
        ({"a": ["x"]}, {}, ['a: ["x"] → –']),
        ({"a": "one\n two"}, {"a": "two"}, ["a: one two → two"]),
    ],
)
def test_values_are_told_from_what_to_what(
    before: dict[str, Any], after: dict[str, Any], told: list[str]
) -> None:
    assert changes.told(before, after) == told


def test_a_secret_is_said_to_have_changed_and_not_shown() -> None:
    assert changes.told({"code": "A1"}, {"code": "B2"}, hidden={"code"}) == ["code (not shown)"]


def test_long_texts_are_told_from_where_they_differ() -> None:
    same = "word " * 40
    (told,) = changes.told({"text": same + "cat."}, {"text": same + "dog."})
    assert "cat." in told and "dog." in told and len(told) < 100


def test_a_long_text_that_grew_shows_what_was_added() -> None:
    (told,) = changes.told({"text": "x" * 100}, {"text": "x" * 100 + "new end"})
    assert "new end" in told


def test_json_is_told_value_by_value() -> None:
    before = {"task_settings": {"matching": {"images": 3, "strategy": "one"}}}
    after = {"task_settings": {"matching": {"images": 4, "strategy": "one"}}}
    assert changes.told(changes.flat(before), changes.flat(after)) == ["task_settings.matching.images: 3 → 4"]


def test_a_row_is_told_against_its_defaults() -> None:
    one, other = Study(slug="a", seed=1), Study(slug="a", seed=1, attention_checks=2)
    assert changes.told(changes.of_row(one), changes.of_row(other)) == ["attention_checks: 0 → 2"]


def test_lists_tell_what_is_new_and_what_is_gone() -> None:
    assert changes.told_of_lists(["a", "b"], ["b", "c"]) == ["new: c", "gone: a"]


@given(st.lists(st.text(min_size=1, max_size=80)), st.integers(min_value=20, max_value=100))
def test_no_line_is_too_long_and_no_phrase_is_lost(phrases: list[str], most: int) -> None:
    made = list(changes.lines(phrases, most))
    assert made and all(len(line) <= most for line in made)
    together = "; ".join(made)
    assert all(phrase[: most - 1] in together for phrase in phrases)
    assert phrases or made == [changes.NOTHING]


@given(ROWS, ROWS)
def test_whatever_differs_is_named(before: dict[str, Any], after: dict[str, Any]) -> None:
    flat = changes.flat(before), changes.flat(after)
    told = changes.told(*flat)
    empty = (None, "", [], {})
    expected = {
        name
        for name in flat[0] | flat[1]
        if json.dumps(flat[0].get(name)) != json.dumps(flat[1].get(name))
        and not (flat[0].get(name) in empty and flat[1].get(name) in empty)
    }
    assert {phrase.partition(": ")[0] for phrase in told} == expected
