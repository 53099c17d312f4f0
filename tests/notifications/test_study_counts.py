"""The counts that notifications are made of, from the rows."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from survey_site.notifications import outbox
from survey_site.notifications.outbox import watch_of
from survey_site.notifications.study_counts import counts_of, kept_counts_of
from survey_site.recruitment.models import Recruitment
from survey_site.stimuli.models import PrecomputeJob
from survey_site.trials.models import Ticket
from tests.reports.factory import Survey, survey

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture
def own() -> Survey:
    return survey("mine", target_participants=3, lease_minutes=60)


def job(own: Survey, place: int, **values: Any) -> PrecomputeJob:
    return PrecomputeJob.objects.create(
        stimulus=own.stimuli[place], classifier="MobileNetV2", methods=["gradcam"], **values
    )


def test_jobs_are_counted_by_what_became_of_them(own: Survey) -> None:
    job(own, 0, state="done", finished_at=NOW)
    job(own, 1, state="failed", finished_at=NOW + timedelta(seconds=1), reason="no such layer")
    job(own, 2, state="cancelled")
    job(own, 3, state="paused")
    found = counts_of(own.study, NOW)
    assert (found.jobs, found.jobs_failed, found.jobs_open) == (3, 1, 1)
    assert found.jobs_ended == (NOW + timedelta(seconds=1)).isoformat()
    assert found.reasons == ("no such layer",)


def test_who_has_left_in_the_middle_is_counted_though_nobody_marked_them(own: Survey) -> None:
    own.participant()
    own.participant(state="dropped")
    own.participant(state="consented", last_seen_at=NOW - timedelta(minutes=61))
    own.participant(state="consented", consented_at=NOW - timedelta(minutes=61))
    own.participant(state="consented", last_seen_at=NOW)
    for other in ("started", "screened_out", "withdrawn"):
        own.participant(state=other)
    own.participant(state="dropped", kind="bot")
    found = counts_of(own.study, NOW)
    assert (found.dropped, found.ended) == (3, 4)


def test_only_who_counts_reaches_the_target(own: Survey) -> None:
    own.participant()
    own.participant(surplus=True)
    own.participant(excluded=True)
    own.participant(kind="preview")
    found = counts_of(own.study, NOW)
    assert (found.finished, found.target) == (1, 3)


def test_failed_attention_follows_the_protocols_rule(own: Survey) -> None:
    attentive, asleep, half = own.participant(), own.participant(), own.participant()
    own.participant()  # without checks
    for who, ratings in ((attentive, (5, 5)), (asleep, (1, None)), (half, (5, 2))):
        for rating in ratings:
            missing = "" if rating is not None else "timeout"
            answer = own.rating(who, rating=rating, attention_check=True, missing=missing)
            type(answer.trial).objects.filter(pk=answer.trial_id).update(expected=5)
    found = counts_of(own.study, NOW)
    assert (found.checked, found.failed_attention) == (3, 1)
    own.protocol.document["exclusion_rules"] = {"failed_checks": 1}
    own.protocol.save()
    assert counts_of(own.study, NOW).failed_attention == 2
    own.protocol.document["exclusion_rules"] = {"failed_checks": None}
    own.protocol.save()
    assert counts_of(own.study, NOW).checked == 0


def test_a_check_without_an_expected_score_is_passed_by_one(own: Survey) -> None:
    for choices in ((0, 0), (1, None)):
        who = own.participant()
        for choice in choices:
            own.matching(who, choice=choice, attention_check=True)
    found = counts_of(own.study, NOW)
    assert (found.checked, found.failed_attention) == (2, 1)


def test_places_of_the_quota_are_taken_by_leased_and_completed_tickets(own: Survey) -> None:
    Recruitment.objects.create(study=own.study, quota=3)
    for number, state in enumerate(("leased", "completed", "released", "leased")):
        Ticket.objects.create(protocol=own.protocol, number=number, state=state)
    found = counts_of(own.study, NOW)
    assert (found.quota, found.places_taken) == (3, 2)


def test_a_pilots_people_are_not_counted(own: Survey) -> None:
    own.participant()
    own.protocol.pilot = True
    own.protocol.save()
    assert counts_of(own.study, NOW).version == 0
    assert counts_of(own.study, NOW).finished == 0


def test_the_number_of_queries_does_not_grow(own: Survey, django_assert_max_num_queries: Any) -> None:
    for _ in range(6):
        own.rating(own.participant(), attention_check=True)
    with django_assert_max_num_queries(10):
        counts_of(own.study, NOW)


@pytest.mark.usefixtures("counts_are_kept")
def test_who_began_just_now_is_counted_however_long_the_rest_takes(own: Survey) -> None:
    assert (kept_counts_of(own.study, NOW).starts, kept_counts_of(own.study, NOW).finished) == (0, 0)
    own.participant(consented_at=NOW)
    found = kept_counts_of(own.study, NOW)
    assert (found.starts, found.finished) == (1, 0)


def test_failed_attention_is_one_look_at_the_answers(own: Survey) -> None:
    for rating in (1, 5):
        own.rating(own.participant(), rating=rating, attention_check=True)
    with CaptureQueriesContext(connection) as captured:
        counts_of(own.study, NOW)
    assert sum("trials_response" in query["sql"] for query in captured) == 1


@pytest.mark.usefixtures("counts_are_kept")
def test_what_takes_long_to_count_is_kept_for_the_next_look(own: Survey) -> None:
    watch_of(own.study)
    first = kept_counts_of(own.study, NOW)
    job(own, 0, state="failed", reason="no such layer")
    own.participant()
    assert kept_counts_of(own.study, NOW) == first
    assert counts_of(own.study, NOW) != first
    with CaptureQueriesContext(connection) as captured:
        outbox.look(NOW)
    (starts,) = [query for query in captured if re.search("precomputejob|trials_", query["sql"])]
    assert "consented_at" in starts["sql"]  # who began just now


def test_people_who_began_just_now_are_counted(own: Survey) -> None:
    for minutes in (0, 5, 9, 11, -1):
        own.participant(state="consented", consented_at=NOW - timedelta(minutes=minutes))
    own.participant(state="consented", kind="bot", consented_at=NOW)
    assert counts_of(own.study, NOW).starts == 3
