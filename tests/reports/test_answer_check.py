"""An import takes no answer that its task refuses or scores otherwise; it names the line."""

import json
from pathlib import Path
from typing import Any

import pytest

from survey_site.stimuli.models import Stimulus
from survey_site.trials.models import Response
from tests.reports.factory import Survey
from tests.reports.test_bad_study_folder import refused, rehash
from tests.reports.test_study_folder import erase, export, files, load

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
CHOICE, DECLINED, RATING, TIMEOUT = 1, 2, 3, 4


@pytest.fixture
def folder(small: Survey, tmp_path: Path) -> Path:
    """Four responses: the other image of the source's class, “can't tell”, a rating of 4 and a timeout."""
    who = small.participant()
    small.matching(who, 0, 2)
    small.matching(who, 1, None)
    small.rating(who, 0, 4)
    small.missing(who, 1, "rating")
    out = export("small", tmp_path / "out", "--no-media")
    erase(small.study)
    return out


def changed(
    folder: Path, number: int, response: dict[str, Any], answer: dict[str, Any] | None = None
) -> Path:
    """The folder with other values in the response of this line."""
    path = folder / "trials.jsonl"
    lines = path.read_text().splitlines()
    row = json.loads(lines[number - 1])
    row["response"] |= response
    row["response"]["answer"] = row["response"].get("answer", {}) | (answer or {})
    lines[number - 1] = json.dumps(row)
    path.write_text("\n".join(lines) + "\n")
    rehash(folder, "trials.jsonl")
    return folder


def test_untouched_the_folder_is_imported(folder: Path) -> None:
    load(changed(folder, CHOICE, {}))
    told = list(Response.objects.order_by("pk").values_list("score", "second_score", "declined", "missing"))
    assert told == [(0, 1, False, ""), (0, 0, True, ""), (4, None, False, ""), (None, None, False, "timeout")]


@pytest.mark.parametrize(
    ("line", "response", "answer", "words"),
    [
        (CHOICE, {}, {"choice": "dog-7"}, "'dog-7' is not in the trial's pool"),
        (CHOICE, {}, {"choice": "unheard-of"}, "'unheard-of' is not in the trial's pool"),
        (CHOICE, {"score": 1}, {"correct": 1}, "score is 1 and must be 0; answer.correct is 1 and must be 0"),
        (CHOICE, {"score": 1}, {}, "score is 1 and must be 0"),
        (RATING, {}, {"more": None}, "a rating is a whole number"),
        (CHOICE, {"score": False}, {}, "score is False and must be a number"),
        (CHOICE, {"score": float("nan")}, {}, "NaN is no JSON"),
        (CHOICE, {"second_score": 0}, {"class_correct": 0}, "second_score is 0 and must be 1"),
        (CHOICE, {}, {"choice_class": "dog"}, 'answer.choice_class is "dog" and must be "cat"'),
        (CHOICE, {}, {"correct": False}, "correct and class_correct are 0 or 1"),
        (CHOICE, {}, {"more": 1}, "a choice has"),
        (CHOICE, {"declined": True}, {}, "who declined has the choice cant_tell"),
        (DECLINED, {"declined": False}, {}, "'cant_tell' is not in the trial's pool"),
        (DECLINED, {"score": 1}, {"correct": 1}, "score is 1 and must be 0"),
        (RATING, {"score": 3.5}, {"rating": 3.5}, "a rating is a whole number from 0 to 6"),
        (RATING, {"score": 7}, {"rating": 7}, "a rating is a whole number from 0 to 6"),
        (RATING, {}, {"rating": "4"}, "a rating is a whole number from 0 to 6"),
        (RATING, {"score": 5}, {}, "score is 5 and must be 4"),
        (RATING, {"second_score": 1}, {}, "second_score is 1 and must be null"),
        (RATING, {"missing": "timeout"}, {}, "a reason why there is no answer, and an answer"),
        (TIMEOUT, {"score": 0}, {}, "a reason why there is no answer, and an answer"),
        (TIMEOUT, {"missing": "the dog ate it"}, {}, "missing is 'the dog ate it' and must be one of"),
        (TIMEOUT, {"rt_ms": 3.5}, {}, "rt_ms is 3.5 and must be a whole number"),
        (RATING, {"rt_ms": -1}, {}, "rt_ms is -1 and must lie between 0 and 2147483647"),
        (RATING, {"rt_ms": 10**30}, {}, "rt_ms is 10+ and must lie between 0 and 2147483647"),
        (RATING, {"answered_at": "2026-02-28T12:00:00Z"}, {}, "answered_at .* lies before issued_at"),
        (TIMEOUT, {"answered_at": "0001-01-01T00:00:00+23:00"}, {}, "answered_at|year|OverflowError"),
    ],
)
def test_a_false_answer_is_refused_by_its_line(
    folder: Path, line: int, response: dict[str, Any], answer: dict[str, Any], words: str
) -> None:
    refused(changed(folder, line, response, answer), f"trials.jsonl, line {line}: .*{words}")


def test_an_answer_that_is_no_object_is_refused(folder: Path) -> None:
    path = folder / "trials.jsonl"
    path.write_text(path.read_text().replace('"answer":{"rating":4}', '"answer":[4]'))
    rehash(folder, "trials.jsonl")
    refused(folder, r"line 3: its answer is no object: \[4\]")


def test_answers_of_a_task_that_is_not_installed_travel_as_they_are(small: Survey, tmp_path: Path) -> None:
    small.answer(small.participant(), "ranking", 99.5, {"order": [1, 0], "sure": None})
    first = export("small", tmp_path / "first", "--no-media")
    erase(small.study)
    load(first)
    assert Response.objects.get().answer == {"order": [1, 0], "sure": None}
    assert files(export("small", tmp_path / "second", "--no-media")) == files(first)


def test_an_answer_of_such_a_task_needs_a_score_or_a_reason(small: Survey, tmp_path: Path) -> None:
    small.answer(small.participant(), "ranking", 99.5, {"order": [1, 0]})
    out = export("small", tmp_path / "out", "--no-media")
    erase(small.study)
    refused(changed(out, 1, {"score": None}), "line 1: it has neither a score nor a reason")


@pytest.fixture
def classless(small: Survey, tmp_path: Path) -> Path:
    """As a reconstruction may be: nothing says of which class an image is."""
    small.matching(small.participant(), 0, 2)
    Stimulus.objects.update(stimulus_class="")
    out = export("small", tmp_path / "out", "--no-media")
    erase(small.study)
    return out


def test_without_classes_the_class_agreement_is_taken_as_stored(classless: Path) -> None:
    load(classless)
    response = Response.objects.get()
    assert (response.score, response.second_score, response.answer["choice_class"]) == (0, 1, "cat")


def test_without_classes_a_false_source_is_refused_all_the_same(classless: Path) -> None:
    refused(changed(classless, 1, {"score": 1}, {"correct": 1}), "line 1: score is 1 and must be 0")
