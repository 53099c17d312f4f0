"""A page that stays open asks every few seconds, and of a study that collects each time for other data."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from survey_site.reports import analysis, cached_report, cached_task, tasks
from survey_site.reports.population import Population
from tests.reports.factory import Survey, survey

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_cache")]


@pytest.fixture
def own(researcher: Any) -> Survey:
    """Three people, who rated two columns."""
    mine = survey("mine", owner=researcher)
    for number in range(3):
        who = mine.participant()
        for column in (0, 1):
            mine.rating(who, column, number + column)
    return mine


def look(desk: Client) -> str:
    return desk.get(reverse("report_statistics", args=["mine"])).content.decode()


def now(own: Survey) -> str:
    return cached_report.data_version(own.protocol, Population())


def somebody_answers(own: Survey) -> None:
    own.rating(own.participant(), 0, 2)


def test_answers_that_come_in_meanwhile_ask_for_no_further_one(
    desk: Client, own: Survey, sent: list[Any]
) -> None:
    first = now(own)
    for _ in range(3):
        assert "being computed" in look(desk)
        somebody_answers(own)
    assert len(sent) == 1
    cached_task.forget_progress(first)  # as the task does at its end
    look(desk)
    assert len(sent) == 2


def test_a_task_that_begins_on_newer_data_says_so_and_ends_so(
    desk: Client, own: Survey, sent: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = now(own)
    look(desk)
    somebody_answers(own)
    real = analysis.analyse

    def and_look(*given: Any) -> Any:
        assert cached_task.progress_of(asked) is None
        somebody_answers(own)  # another version, once more
        assert "being computed" in look(desk) and len(sent) == 1
        return real(*given)

    monkeypatch.setattr(analysis, "analyse", and_look)
    tasks.analyse(*sent[0][1:])
    assert cached_report.report_of(now(own)) is not None
    assert "being computed" not in look(desk) and len(sent) == 1


def test_a_failure_is_shown_and_not_tried_at_once_with_the_next_answer(
    desk: Client, own: Survey, sent: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError("a made-up failure")

    monkeypatch.setattr(analysis, "analyse", broken)
    look(desk)
    somebody_answers(own)
    tasks.analyse(*sent[0][1:])
    somebody_answers(own)
    assert "a made-up failure" in look(desk) and len(sent) == 1
    monkeypatch.setattr(cached_report, "REST_SECONDS", -1)
    assert "being computed" in look(desk) and len(sent) == 2
