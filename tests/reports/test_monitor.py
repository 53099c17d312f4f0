"""The monitor: counts of persons, balance, masked names; the same few queries for any number of rows."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from survey_site.reports.monitor import chart, snapshot
from survey_site.studies import cached_counts
from survey_site.studies.models import AuditEntry, Study
from survey_site.trials.models import Ticket, Trial
from tests.reports.factory import NOON, Survey, survey

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    yield
    cache.clear()


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


@pytest.fixture
def masked(data: Survey) -> Survey:
    AuditEntry.objects.filter(study=data.study).delete()
    return data


def test_names_are_masked_while_the_study_is_live(masked: Survey) -> None:
    now = snapshot(masked.study)
    assert now.masked
    assert [row.name for row in now.rows] == ["A", "B"]
    masked.matching(masked.participant(), column=0)  # a third finisher reaches the target: that opens nothing
    assert snapshot(masked.study).masked
    Study.objects.update(state="closed")
    closed = snapshot(Study.objects.get())
    assert {row.name for row in closed.rows} == {"Grad-CAMs", "Ours 1"}


def test_opening_the_names_is_recorded_with_who_did_it(
    masked: Survey, admin_client: Client, admin_user: User
) -> None:
    data = masked
    url = reverse("admin:study_monitor", args=[data.study.pk])
    assert "Ours 1" not in admin_client.get(url).content.decode()
    admin_client.post(url)
    assert "Ours 1" in admin_client.get(url).content.decode()
    entry = AuditEntry.objects.get(verb="names opened")
    assert (entry.study, entry.user) == (data.study, admin_user)


def test_scores_are_counted_by_level_and_balance_by_image(data: Survey) -> None:
    data.matching(data.participant(), column=0)
    now = snapshot(data.study)
    row = next(row for row in now.rows if row.name == "Ours 1")
    assert now.scales == ("Interpretability Index",)
    assert row.scores == (((0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (5, 2), (6, 0)),)
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
    assert len(many) <= 18
    loaded = [query["sql"] for query in many if "LIMIT" not in query["sql"] and "COUNT(" not in query["sql"]]
    assert not [sql for sql in loaded if "trials_participant" in sql and "PERCENTILE_CONT" not in sql]


@pytest.mark.parametrize(
    ("minutes", "median"), [((), None), ((7,), 7.0), ((10, 20, 90), 20.0), ((10, 20, 30, 90), 25.0)]
)
def test_the_time_is_the_median_which_one_sleeper_does_not_move(
    minutes: tuple[int, ...], median: float | None
) -> None:
    made = survey()
    for took in minutes:
        made.participant(consented_at=NOON, finished_at=NOON + timedelta(minutes=took))
    made.participant(state="consented", consented_at=NOON)
    made.participant(kind="bot", consented_at=NOON, finished_at=NOON)
    made.participant()  # of a reconstruction, whose times are not known
    assert snapshot(made.study).median_minutes == median


def test_completions_are_told_by_the_hour_or_the_day_without_gaps() -> None:
    made = survey()
    hour = NOON.replace(minute=0, second=0, microsecond=0)
    for later in (0, 0, 3):
        made.participant(finished_at=NOON + timedelta(hours=later))
    now = snapshot(made.study)
    assert now.hourly
    assert now.completions == tuple(
        (hour + timedelta(hours=h), n) for h, n in ((0, 2), (1, 0), (2, 0), (3, 1))
    )
    made.participant(finished_at=NOON + timedelta(days=3))
    now = snapshot(made.study)
    assert not now.hourly
    assert [n for _day, n in now.completions] == [3, 0, 0, 1]


def test_who_is_in_the_study_is_told_by_block(data: Survey) -> None:
    practising, matching = data.participant(state="consented"), data.participant(state="consented")
    data.matching(practising, column=0, block="practice")
    Trial.objects.create(
        participant=matching, position=5, block="matching", task="matching", stimulus=data.stimuli[0],
        issued_at=NOON,
    )  # fmt: skip
    now = snapshot(data.study)
    assert now.blocks == {"Practice": 0, "Matching": 1, "Rating": 0, "between": 2}


def test_who_is_silent_beyond_the_lease_is_told_before_anybody_takes_the_place(data: Survey) -> None:
    who = data.participant(state="consented")
    Ticket.objects.create(protocol=data.protocol, number=0, participant=who, lease_expires_at=NOON)
    assert snapshot(data.study).silent == 1


def test_the_chart_stands_on_its_base_and_its_line_ends_at_the_top() -> None:
    drawn = chart([1, 0, 3])
    assert [bar["h"] for bar in drawn["bars"]] == [40.0, 0.0, 120.0]
    assert drawn["line"].endswith("600.00,0.00")
    assert (drawn["total"], drawn["busiest"]) == (4, 3)
    assert chart([]) == {}


def test_a_large_studys_counts_are_kept_for_a_while_but_its_masking_never_is(
    data: Survey, admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cached_counts, "SLOW_SECONDS", -1)
    url = reverse("admin:study_monitor", args=[data.study.pk])
    admin_client.get(url)
    admin_client.post(url)
    with CaptureQueriesContext(connection) as queries:
        page = admin_client.get(url).content.decode()
    assert "Ours 1" in page
    assert len(queries) <= 14


def test_a_study_without_protocol_or_participants_has_an_honest_empty_page(admin_client: Client) -> None:
    study = Study.objects.create(slug="new", title="New")
    page = admin_client.get(reverse("admin:study_monitor", args=[study.pk])).content.decode()
    assert "Nobody has finished yet" in page
    assert "has not gone live" in page
