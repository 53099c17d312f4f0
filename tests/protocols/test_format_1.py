"""Documents and rows of format 1 in the present shape; what contradicts itself is refused, nothing given is changed."""

import copy
from typing import Any

import pytest

from survey_site.protocols import format_1
from survey_site.protocols.document import design_of_document
from survey_site.protocols.models import Protocol

SEALED: dict[str, Any] = {
    "format": 1,
    "study": {"slug": "old", "title": "Old"},
    "design": {
        "pool_size": 2, "pool_strategy": "random", "matching_trials_per_column": 1, "rating_trials_per_column": 2,
        "practice_trials": 1, "attention_checks": 1, "offer_cant_tell": False, "trial_timeout_s": None,
        "headline": "class", "count_unknown_seen": True, "target_participants": 4, "seed": 7,
    },
    "conditions": [
        {"column": "A", "column_order": 0, "classifier": "N", "base": "gradcam", "method": "", "is_reference": True},
    ],
    "pools": [{"stimuli": ["a", "b"], "similarity": 0.25}],
    "rating": ["a", "c"],
    "reserve": ["r1", "r2", "r3", "r4"],
    "texts": {"en": {"welcome": "Hello"}},
    "exclusion_rules": {"failed_checks": 1},
    "analysis_plan": {"level": 0.9, "headline": "correct", "rating_min": 0, "rating_max": 6},
}  # fmt: skip


def sealed(**parts: Any) -> dict[str, Any]:
    return copy.deepcopy(SEALED) | parts


def test_a_document_becomes_one_of_format_2() -> None:
    before = sealed()
    found = format_1.document(before)
    assert before == SEALED
    assert found == {
        "format": 2,
        "study": {"slug": "old", "title": "Old"},
        "design": {
            "practice_trials": 1, "attention_checks": 1, "trial_timeout_s": None, "count_unknown_seen": True,
            "target_participants": 4, "seed": 7,
        },
        "tasks": {
            "matching": {
                "trials_per_column": 1, "pool_size": 2, "pool_strategy": "random", "fixed_pools": [],
                "offer_cant_tell": False, "headline": "class",
            },
            "rating": {"trials_per_column": 2},
        },
        "items": {
            "matching": [{"stimuli": ["a", "b"], "similarity": 0.25}],
            "rating": [{"stimuli": ["a"], "similarity": None}, {"stimuli": ["c"], "similarity": None}],
        },
        "conditions": SEALED["conditions"],
        "reserve": ["r1", "r2", "r3", "r4"],
        "texts": {"en": {"welcome": "Hello"}},
        "exclusion_rules": {"failed_checks": 1},
        "analysis_plan": {"level": 0.9, "second_scores": []},
    }  # fmt: skip


def test_a_sealed_protocol_is_read_in_format_2_and_stays_as_it_is() -> None:
    protocol = Protocol(document=sealed())
    assert protocol.content == format_1.document(SEALED)
    assert protocol.document == SEALED


def test_the_design_of_an_old_document_is_planned_from() -> None:
    design = design_of_document(format_1.document(sealed()))
    first, second = design.tasks
    assert (first.task, first.items, first.practice) == ("matching", (("a", "b"),), (("r1", "r2"),))
    assert (second.task, second.items, second.trials) == ("rating", (("a",), ("c",)), 2)


def test_a_document_of_format_2_is_given_back() -> None:
    document = {"format": 2, "anything": 1}
    assert format_1.document(document) is document


@pytest.mark.parametrize("number", [0, 3, "1", None])
def test_a_document_of_another_format_is_refused_in_one_line(number: Any) -> None:
    with pytest.raises(format_1.UnknownFormat, match=rf"of format {number}; .* the formats 1 and 2$"):
        format_1.document(sealed(format=number))


@pytest.mark.parametrize(
    ("parts", "left"),
    [
        ({"pools": []}, ["rating"]),
        ({"rating": []}, ["matching"]),
        ({"design": SEALED["design"] | {"matching_trials_per_column": 0}}, ["rating"]),
        ({"design": SEALED["design"] | {"rating_trials_per_column": 0}}, ["matching"]),
    ],
)
def test_a_task_that_was_left_out_is_not_named(parts: dict[str, Any], left: list[str]) -> None:
    found = format_1.document(sealed(**parts))
    assert list(found["tasks"]) == list(found["items"]) == left


def test_pools_by_hand_are_those_that_were_sealed() -> None:
    found = format_1.document(sealed(design=SEALED["design"] | {"pool_strategy": "fixed"}))
    assert found["tasks"]["matching"]["fixed_pools"] == [["a", "b"]]


def test_a_document_that_sealed_little_has_both_tasks_at_the_defaults_of_the_time() -> None:
    found = format_1.document({"design": {"pool_size": 3}})
    assert found["tasks"]["matching"]["pool_size"] == 3
    assert found["tasks"]["rating"] == {"trials_per_column": 4}
    assert found["items"] == {"matching": [], "rating": []}
    assert found["design"] == {}


@pytest.mark.parametrize(
    ("declared", "found"),
    [
        ({}, {}),
        ({"headline": "class_correct"}, {"second_scores": ["matching"]}),
        ({"headline": "correct", "level": 0.9}, {"second_scores": [], "level": 0.9}),
        ({"rating_min": 0, "rating_max": 6, "seed": 1}, {"seed": 1}),
    ],
)
def test_a_plan_names_its_tasks_by_their_second_scores(
    declared: dict[str, Any], found: dict[str, Any]
) -> None:
    assert format_1.plan(declared) == found


def test_settings_of_a_study_stand_by_task() -> None:
    row = {"slug": "old", "matching_trials_per_column": 0, "fixed_pools": [["a", "b"]], "pool_size": 2}
    found = format_1.settings(row | {"analysis_plan": {"rating_max": 6}})
    assert set(found) == {"slug", "analysis_plan", "task_settings"}
    assert found["analysis_plan"] == {}
    assert found["task_settings"]["matching"]["trials_per_column"] == 0
    assert found["task_settings"]["matching"]["fixed_pools"] == [["a", "b"]]
    assert found["task_settings"]["matching"]["headline"] == "image"


def test_a_trial_keeps_the_answer_that_its_check_asks_for() -> None:
    assert format_1.trial({"task": "rating", "expected_rating": 0}) == {"task": "rating", "expected": 0}
    assert format_1.trial({"task": "matching"}) == {"task": "matching"}


CLASSES = {"a": "cat", "b": "dog"}


@pytest.mark.parametrize(
    ("row", "task", "found"),
    [
        (
            {"choice": "b", "cant_tell": False, "correct": False, "class_correct": True, "seen": "yes"},
            "matching",
            {
                "declined": False, "score": 0, "second_score": 1, "seen": "yes",
                "answer": {"choice": "b", "choice_class": "dog", "correct": 0, "class_correct": 1},
            },
        ),
        (
            {"cant_tell": True, "correct": False, "class_correct": False},
            "matching",
            {
                "declined": True, "score": 0, "second_score": 0,
                "answer": {"choice": "cant_tell", "choice_class": "", "correct": 0, "class_correct": 0},
            },
        ),
        ({"cant_tell": False, "rating": 0}, "rating", {"declined": False, "score": 0, "answer": {"rating": 0}}),
        ({"rating": 3.5}, "rating", {"declined": False, "score": 3.5, "answer": {"rating": 3.5}}),
        ({"cant_tell": False, "missing": "timeout"}, "rating", {"declined": False, "missing": "timeout"}),
    ],
)  # fmt: skip
def test_a_response_is_read(row: dict[str, Any], task: str, found: dict[str, Any]) -> None:
    assert format_1.response(row, task, CLASSES) == found


@pytest.mark.parametrize(
    ("row", "task", "words"),
    [
        ({"choice": "a", "cant_tell": True}, "matching", "this one has cant_tell, choice"),
        ({"choice": "a", "missing": "timeout"}, "matching", "one answer or a reason"),
        ({"cant_tell": False}, "rating", "this one has nothing"),
        ({"rating": 3}, "matching", "this one has rating"),
        ({"choice": "a"}, "rating", "this one has choice"),
        ({"rating": 3}, "ranking", "format 1 has no task 'ranking'"),
    ],
)
def test_a_response_that_contradicts_itself_is_refused(row: dict[str, Any], task: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        format_1.response(row, task, CLASSES)
