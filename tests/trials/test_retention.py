"""Identifiers are erased on the day that the consent states, announced before, and by whatever seal somebody came in."""

from datetime import date, timedelta

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from survey_site.notifications import retention as telling
from survey_site.notifications.models import Delivery, Notification
from survey_site.protocols import freeze, life
from survey_site.protocols.models import Protocol
from survey_site.studies.models import AuditEntry, Study
from survey_site.trials import retention
from survey_site.trials.models import ExternalId, Participant, Response
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
DAY = date(2999, 3, 1)


def come(study: Study, name: str) -> Participant:
    return factories.participant(
        study, f"token-of-{name}-{study.slug}", provider="prolific", external_id=name
    )


def stored() -> set[str]:
    return set(ExternalId.objects.values_list("value", flat=True))


def test_on_the_day_the_ids_go_the_answers_stay_and_the_study_is_closed() -> None:
    study, other = factories.live(), factories.live("other", ids_erased_on=DAY + timedelta(1))
    who = come(study, "a" * 24)
    come(other, "b" * 24)
    assert retention.carry_out(DAY - timedelta(1)) == []
    assert len(stored()) == 2
    (done,) = retention.carry_out(DAY)
    assert (done.study, done.day, done.ids, done.closes) == (study, DAY, 1, True)
    assert stored() == {"b" * 24}
    assert Participant.objects.filter(pk=who.pk).exists() and who.trials.exists()
    assert dict(Study.objects.values_list("slug", "state")) == {"test": "closed", "other": "live"}
    assert list(AuditEntry.objects.filter(study=study).order_by("pk").values_list("verb", "user")[1:]) == [
        ("identifiers erased", None),
        ("state: close", None),
    ]
    assert retention.carry_out(DAY) == []


def test_a_withdrawal_s_pseudonym_goes_too_and_plain_links_have_nothing_to_erase() -> None:
    study = factories.live()
    factories.participant(study)
    assert retention.of_study(study) == retention.Retention(study, DAY, 0, True)
    life.step(study, "close")
    assert retention.of_study(study) is None
    assert retention.upcoming(date.max) == []


def test_who_came_under_an_earlier_seal_is_promised_the_day_of_that_seal() -> None:
    study = factories.live()
    come(study, "a" * 24)
    life.step(study, "version")
    Study.objects.filter(pk=study.pk).update(ids_erased_on=DAY + timedelta(30))
    study.refresh_from_db()
    freeze.go_live(study, reason="A later day.")
    come(study, "b" * 24)
    (done,) = retention.carry_out(DAY)
    assert (done.ids, done.closes, stored()) == (1, False, {"b" * 24})
    assert Study.objects.get().state == "live"
    (done,) = retention.carry_out(DAY + timedelta(30))
    assert (done.ids, done.closes, stored()) == (1, True, set())


def test_a_consent_that_states_no_day_erases_nothing() -> None:
    study = factories.draft(ids_erased_on=None, languages=["en"])
    study.texts.create(key="consent", language="en", markdown="Ours.")
    assert freeze.go_live(study).ids_erased_on is None
    come(study, "a" * 24)
    assert retention.carry_out(date.max) == [] and len(stored()) == 1


def test_the_seal_holds_its_day() -> None:
    study = factories.live()
    assert Protocol.objects.get().ids_erased_on == DAY
    assert study.protocols.get().document["facts"]["ids_erased_on"] == DAY.isoformat()


def test_it_is_announced_two_weeks_before_once_and_to_the_owner_too() -> None:
    owner = User.objects.create_user("ada", "ada@lab.example", is_staff=True)
    study = factories.live(owner=owner)
    come(study, "a" * 24)
    telling.look(DAY - timedelta(15))
    assert not Notification.objects.exists()
    for before in (14, 13, 1):
        assert telling.look(DAY - timedelta(before)) == 0
    told = Notification.objects.get()
    assert told.subject.endswith("identifiers are erased on 2999-03-01")
    assert (
        "the identifiers of 1 participants are erased" in told.body
        and "The study is closed then" in told.body
    )
    assert told.link == reverse("admin:study_recruitment", args=[study.pk])
    assert [delivery.user for delivery in Delivery.objects.all()] == [owner]
    assert telling.look(DAY) == 1
    assert not stored()
    assert Notification.objects.count() == 1


def test_the_pages_say_when(admin_client: Client) -> None:
    study = factories.live()
    come(study, "a" * 24)
    for name in ("study_recruitment", "study_ending"):
        page = admin_client.get(reverse(f"admin:{name}", args=[study.pk])).content.decode()
        assert "It is erased on 2999-03-01, as the consent states." in " ".join(page.split())
        assert "The study is closed on that day." in page


def test_the_comparison_says_that_the_identifiers_are_gone(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = factories.live()
    come(study, "a" * 24)
    assert "Identifiers were erased" not in admin_client.get("/recruitment/test/").content.decode()
    monkeypatch.setattr(retention, "today", lambda: DAY)
    retention.carry_out()
    page = admin_client.get("/recruitment/test/").content.decode()
    assert "Identifiers were erased on 2999-03-01" in page and "a" * 24 not in page


def test_the_command_lists_and_carries_out(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    study = factories.live()
    come(study, "a" * 24)
    Response.objects.all().delete()
    monkeypatch.setattr(retention, "today", lambda: DAY - timedelta(3))
    call_command("retention")
    assert capsys.readouterr().out == "test  2999-03-01  in 3 days  1 identifiers, closes\n"
    call_command("retention", "--apply")
    assert capsys.readouterr().out == "0 studies were due\n"
    monkeypatch.setattr(retention, "today", lambda: DAY)
    call_command("retention", "--apply")
    assert capsys.readouterr().out.startswith(
        "test  2999-03-01  1 identifiers erased, and the study is closed\n"
    )
    assert not stored()
