"""What is told of a study's counts."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey_site.notifications.events import Counts, Limits, occasions

QUIET = Counts(jobs=4, jobs_open=1, version=1, target=24, finished=3, ended=4, dropped=1)


def kinds(counts: Counts, limits: Limits = Limits()) -> list[str]:  # noqa: B008
    return [occasion.kind for occasion in occasions(counts, limits)]


def test_a_study_under_way_tells_nothing() -> None:
    assert kinds(QUIET) == []
    assert kinds(Counts()) == []


def test_finished_maps_are_told_with_their_batch() -> None:
    done = replace(QUIET, jobs_open=0, jobs_ended="2026-01-01T12:00")
    (told,) = occasions(done, Limits())
    assert (told.kind, told.occasion) == ("maps_ready", "2026-01-01T12:00")
    assert "All 4 precompute jobs" in told.body


def test_failed_maps_are_told_with_their_reasons() -> None:
    failed = replace(QUIET, jobs_open=0, jobs_failed=2, jobs_ended="t", reasons=("no such layer",))
    (told,) = occasions(failed, Limits())
    assert told.kind == "maps_failed"
    assert "2 of 4" in told.subject
    assert "no such layer" in told.body


@pytest.mark.parametrize(
    ("finished", "expected"), [(23, []), (24, ["target_reached"]), (30, ["target_reached"])]
)
def test_the_target_is_told_once_reached(finished: int, expected: list[str]) -> None:
    assert kinds(replace(QUIET, finished=finished)) == expected


def test_the_quota_is_told_anew_when_it_was_raised() -> None:
    (first,) = occasions(replace(QUIET, quota=5, places_taken=5), Limits())
    assert kinds(replace(QUIET, quota=9, places_taken=5)) == []
    (second,) = occasions(replace(QUIET, quota=9, places_taken=9), Limits())
    assert first.occasion != second.occasion


def test_more_starts_than_expected_are_told_once_an_hour() -> None:
    rush = replace(QUIET, starts=150, hour="2026-01-01 12h")
    (told,) = occasions(rush, Limits())
    assert (told.kind, told.page, told.facts) == (
        "starts_unusual",
        "study_monitor",
        {"starts": 150, "expected": 40},
    )
    assert "pause" in told.body
    (same,) = occasions(replace(rush, starts=200), Limits())
    (later,) = occasions(replace(rush, hour="2026-01-01 13h"), Limits())
    assert same.occasion == told.occasion != later.occasion
    assert kinds(replace(rush, starts=40)) == kinds(rush, Limits(starts=None)) == []


def test_unusual_shares_are_told_in_numbers() -> None:
    counts = replace(QUIET, ended=40, dropped=25, checked=30, failed_attention=20)
    dropout, attention = occasions(counts, Limits())
    assert (dropout.kind, attention.kind) == ("dropout_unusual", "attention_unusual")
    assert "25 of 40" in dropout.subject
    assert "expects 20%" in dropout.body
    assert dropout.occasion == "v1: 40"
    assert attention.occasion == "v1: 20"
    assert kinds(counts, Limits(dropout=None, failed_attention=None)) == []


@given(
    st.builds(
        Counts, version=st.just(0), target=st.integers(0, 9), finished=st.integers(0, 99), quota=st.integers(1, 9),
        places_taken=st.integers(0, 9), ended=st.integers(0, 99), dropped=st.integers(0, 99),
        checked=st.integers(0, 99), failed_attention=st.integers(0, 99),
    )
)  # fmt: skip
def test_of_a_pilot_or_draft_no_people_are_told(counts: Counts) -> None:
    assert kinds(counts) == []


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_occasions_fit_their_column(target: int, quota: int) -> None:
    counts = Counts(version=32767, target=target, finished=target, quota=quota, places_taken=quota, ended=10**6,
                    dropped=10**6)  # fmt: skip
    assert all(len(found.occasion) <= 60 and len(found.kind) <= 20 for found in occasions(counts, Limits()))
