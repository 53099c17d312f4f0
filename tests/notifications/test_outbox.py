"""A notification is told once, survives every loss, and says why it was not sent."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail as outgoing
from django.db.models import QuerySet
from django.utils import timezone
from kombu.exceptions import OperationalError

from survey_site.notifications import outbox, webhook
from survey_site.notifications.channel_table import CHANNELS
from survey_site.notifications.errors import Permanent, Transient
from survey_site.notifications.models import Delivery, Notification, Subscriber, Watch
from survey_site.stimuli import leased_rows
from survey_site.studies.models import Membership
from tests.reports.factory import Survey, survey

pytestmark = pytest.mark.django_db
NOW = timezone.now()
State = Delivery.State


@pytest.fixture
def bells(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    rung: list[int] = []
    monkeypatch.setattr(leased_rows.app, "send_task", lambda name, args: rung.extend(args[0]))
    return rung


@pytest.fixture
def owner() -> User:
    return User.objects.create_user("owner", "owner@example.org", is_staff=True)


@pytest.fixture
def own(owner: User, bells: list[int], settings: Any) -> Survey:
    settings.MAIL_IS_SENT = True
    settings.SITE_URL = "https://survey.example.org"
    mine = survey("mine", owner=owner, target_participants=2)
    outbox.watch_of(mine.study)
    Subscriber.objects.create(study=mine.study, user=owner)
    return mine


def reach_target(own: Survey, now: Any = NOW) -> int:
    own.participant()
    own.participant()
    return outbox.look(now)


def test_a_reached_target_is_mailed_once(
    own: Survey, bells: list[int], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        assert reach_target(own) == 1
        assert bells == []  # not before the rows are there for everybody
    (delivery,) = Delivery.objects.all()
    assert bells == [delivery.pk]
    for _ in range(3):
        outbox.deliver([delivery.pk])
    (sent,) = outgoing.outbox
    assert sent.recipients() == ["owner@example.org"]
    assert sent.subject == "Study mine: 2 participants have finished"
    assert f"https://survey.example.org/admin/studies/study/{own.study.pk}/live/" in sent.body
    assert outbox.look(NOW + timedelta(hours=1)) == 0
    assert Notification.objects.count() == 1
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == (State.DONE, 1)


def test_a_study_is_looked_at_by_one_process_in_half_a_minute(own: Survey) -> None:
    assert outbox.look(NOW) == 0
    assert reach_target(own, NOW + timedelta(seconds=10)) == 0
    assert outbox.look(NOW + timedelta(seconds=31)) == 1


def test_what_happened_before_anybody_asked_is_not_told(owner: User, bells: list[int]) -> None:
    old = survey("old", owner=owner, target_participants=1)
    old.participant()
    outbox.watch_of(old.study)
    Subscriber.objects.create(study=old.study, user=owner)
    assert outbox.look(NOW) == 0
    assert not Delivery.objects.exists()


def test_a_lost_bell_is_rung_again(own: Survey, bells: list[int]) -> None:
    reach_target(own)  # the test's transaction never commits: the bell is lost
    assert bells == []
    assert outbox.sweep(NOW) == 1
    assert len(bells) == 1
    assert outbox.sweep(timezone.now()) == 0
    assert outbox.sweep(timezone.now() + leased_rows.REANNOUNCE_AFTER + timedelta(seconds=1)) == 1


def test_a_lost_bell_is_rung_again_while_another_delivery_is_being_sent(
    own: Survey, owner: User, bells: list[int]
) -> None:
    reach_target(own)
    first = Delivery.objects.get()
    other = Delivery.objects.create(notification=first.notification, address="webhook", announced_at=NOW)
    leased_rows.claim(Delivery, [first.pk], "somebody", NOW)
    assert outbox.sweep(NOW + leased_rows.REANNOUNCE_AFTER + timedelta(seconds=1)) == 1
    assert bells == [other.pk]


def test_a_broker_that_is_away_loses_nothing(own: Survey, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*args: object, **kwargs: object) -> None:
        raise OperationalError("broker away")

    monkeypatch.setattr(leased_rows.app, "send_task", away)
    reach_target(own)
    assert outbox.sweep(NOW) == 1
    assert Delivery.objects.get().announced_at is None


def test_a_process_that_died_while_sending_gives_it_back(
    own: Survey, monkeypatch: pytest.MonkeyPatch
) -> None:
    reach_target(own)
    delivery = Delivery.objects.get()

    def die(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setitem(CHANNELS, "mail", replace(CHANNELS["mail"], send=die))
    with pytest.raises(KeyboardInterrupt):
        outbox.deliver([delivery.pk], NOW)
    assert Delivery.objects.get().state == State.RUNNING
    assert outbox.sweep(NOW + timedelta(seconds=119)) == 0
    assert outbox.sweep(NOW + timedelta(seconds=121)) == 1
    assert Delivery.objects.get().state == State.QUEUED


def test_a_transient_failure_is_tried_again_with_growing_pauses_and_then_given_up(
    own: Survey, monkeypatch: pytest.MonkeyPatch
) -> None:
    def later(delivery: Delivery) -> None:
        raise Transient("example.org answered 503.")

    monkeypatch.setitem(CHANNELS, "mail", replace(CHANNELS["mail"], send=later))
    reach_target(own)
    delivery, now, pauses = Delivery.objects.get(), NOW, []
    while delivery.state == State.QUEUED:
        outbox.deliver([delivery.pk], now)
        delivery.refresh_from_db()
        if delivery.not_before and delivery.state == State.QUEUED:
            pauses.append((delivery.not_before - now).total_seconds())
            outbox.deliver([delivery.pk], now)  # too early: nothing happens
            now = delivery.not_before
    assert pauses == [30, 120, 480, 1920, 7680]
    assert delivery.state == State.FAILED
    assert delivery.reason == "Given up after 6 tries: example.org answered 503."


def test_a_permanent_failure_says_why_and_can_be_tried_again_by_hand(
    own: Survey, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*args: object) -> None:
        raise Permanent("example.org answered 404.")

    monkeypatch.setattr(webhook, "post", never)
    Watch.objects.update(webhook_url="https://example.org/")
    reach_target(own)
    hook = Delivery.objects.get(address="webhook")
    outbox.deliver([hook.pk])
    hook.refresh_from_db()
    assert (hook.state, hook.reason) == (State.FAILED, "example.org answered 404.")
    assert outbox.retry_failed(own.study) == 1
    hook.refresh_from_db()
    assert (hook.state, hook.attempts, hook.reason) == (State.QUEUED, 0, "")


def test_two_tries_by_hand_at_once_do_not_take_back_what_is_being_sent(own: Survey) -> None:
    reach_target(own)
    delivery = Delivery.objects.get()
    Delivery.objects.update(state=State.FAILED)

    class Meanwhile(QuerySet[Delivery]):
        """The other click's delivery has begun between the list of this one and its change."""

        def values_list(self, *fields: str, **options: bool) -> Any:
            ids = list(super().values_list(*fields, **options))
            Delivery.objects.update(state=State.RUNNING, worker="the other click's")
            return ids

    assert leased_rows.requeue(Meanwhile(Delivery).filter(state=State.FAILED)) == 0
    delivery.refresh_from_db()
    assert (delivery.state, delivery.worker) == (State.RUNNING, "the other click's")


def test_the_webhook_is_told_the_numbers(own: Survey, monkeypatch: pytest.MonkeyPatch) -> None:
    posted: list[Any] = []
    monkeypatch.setattr(webhook, "post", lambda *args: posted.append(args))
    Watch.objects.update(webhook_url="https://example.org/")
    reach_target(own)
    hook = Delivery.objects.get(address="webhook")
    outbox.deliver([hook.pk])
    ((url, secret, number, content),) = posted
    assert (url, number) == ("https://example.org/", hook.pk)
    assert secret == Watch.objects.get().webhook_secret
    assert content["facts"] == {"finished": 2, "target": 2}
    assert content["link"].startswith("https://survey.example.org/admin/")


def test_who_no_longer_sees_the_study_gets_no_mail(own: Survey) -> None:
    member = User.objects.create_user("member", "member@example.org", is_staff=True)
    share = Membership.objects.create(study=own.study, user=member, role="analyst")
    Subscriber.objects.create(study=own.study, user=member)
    reach_target(own)
    share.delete()
    delivery = Delivery.objects.get(user=member)
    outbox.deliver([delivery.pk])
    assert outgoing.outbox == []
    delivery.refresh_from_db()
    assert "not shared" in delivery.reason


def test_the_task_is_known_under_the_name_that_is_sent() -> None:
    from survey_site.notifications import tasks

    assert tasks.deliver.name == Delivery.LANE.task
    assert leased_rows.app.amqp.router.route({}, Delivery.LANE.task)["queue"].name == "reports"


def test_a_closed_study_is_not_looked_at(own: Survey) -> None:
    own.study.state = "closed"
    own.study.save()
    assert reach_target(own) == 0
