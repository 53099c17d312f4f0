"""The monitor: counts of persons, balance, masked names; the same few queries for any number of rows."""

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from survey_site.reports.monitor import snapshot
from survey_site.studies.models import AuditEntry, Study
from tests.reports.factory import Survey, survey

pytestmark = pytest.mark.django_db


@pytest.fixture
def data() -> Survey:
    made = survey()
    Study.objects.filter(pk=made.study.pk).update(target_participants=3)
    made.study.refresh_from_db()
    for _ in range(2):
        who = made.participant()
        made.matching(who, column=0)
        made.rating(who, column=1, rating=5)
    made.participant(state="consented")
    made.participant(kind="bot")
    made.participant(surplus=True)
    return made


def test_it_counts_persons_and_keeps_bots_surplus_and_unfinished_apart(data: Survey) -> None:
    now = snapshot(data.study)
    assert (now.finished, now.target, now.surplus, now.bots) == (2, 3, 1, 1)
    assert now.states["In the study"] == 1


def test_names_are_masked_until_the_target_is_reached(data: Survey) -> None:
    masked = snapshot(data.study)
    assert masked.masked
    assert {row.name for row in masked.rows} == {"Column A", "Column B"}
    who = data.participant()
    data.matching(who, column=0)
    assert {row.name for row in snapshot(data.study).rows} == {"Grad-CAMs", "Ours 1"}


def test_unmasking_is_recorded_with_who_did_it(data: Survey, admin_client: Client, admin_user: User) -> None:
    url = reverse("admin:study_monitor", args=[data.study.pk])
    assert "Ours 1" not in admin_client.get(url).content.decode()
    admin_client.post(url)
    assert "Ours 1" in admin_client.get(url).content.decode()
    entry = AuditEntry.objects.get(verb="unmasked")
    assert (entry.study, entry.user) == (data.study, admin_user)


def test_ratings_are_counted_by_value_and_balance_by_image(data: Survey) -> None:
    data.matching(data.participant(), column=0)  # a third finisher reaches the target: the names show
    row = next(row for row in snapshot(data.study).rows if row.name == "Ours 1")
    assert row.ratings == (0, 0, 0, 0, 0, 2, 0)
    assert (row.answers, row.fewest, row.most) == (2, 2, 2)


def test_it_asks_as_many_questions_for_many_participants_as_for_few(data: Survey) -> None:
    with CaptureQueriesContext(connection) as few:
        snapshot(data.study)
    for _ in range(30):
        who = data.participant()
        data.rating(who, column=0)
    Study.objects.filter(pk=data.study.pk).update(target_participants=1000)
    with CaptureQueriesContext(connection) as many:
        snapshot(Study.objects.get(pk=data.study.pk))
    assert len(many) == len(few) + 1  # the query of the study itself
    assert len(many) < 12


def test_a_study_without_protocol_or_participants_has_an_honest_empty_page(admin_client: Client) -> None:
    study = Study.objects.create(slug="new", title="New")
    page = admin_client.get(reverse("admin:study_monitor", args=[study.pk])).content.decode()
    assert "Nobody has finished yet" in page
    assert "has not gone live" in page
