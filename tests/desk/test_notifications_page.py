"""The page of a study's notifications: mail for every member, the webhook for who edits."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from survey_site.notifications.models import Delivery, Notification, Subscriber, Watch
from survey_site.studies.models import Study
from tests.reports.factory import survey
from tests.studies.test_access import person

pytestmark = pytest.mark.django_db
FORM = {"expected_dropout": "30", "expected_failed_attention": "", "least": "25", "webhook_url": ""}


@pytest.fixture
def study() -> Study:
    return survey("mine").study


def address(study: Study) -> str:
    return reverse("admin:study_notifications", args=[study.pk])


@pytest.mark.parametrize("who", ["owner", "editor", "analyst", "assistant"])
def test_every_member_asks_for_mail_and_stops_it(client: Client, study: Study, who: str) -> None:
    user = person(who, study)
    client.force_login(user)
    client.post(address(study), {"verb": "subscribe"})
    client.post(address(study), {"verb": "subscribe"})
    assert [one.user for one in Subscriber.objects.all()] == [user]
    assert "Stop the mail" in client.get(address(study)).content.decode()
    client.post(address(study), {"verb": "unsubscribe"})
    assert not Subscriber.objects.exists()


@pytest.mark.parametrize("who", ["stranger", "participant"])
def test_nobody_else_gets_in(client: Client, study: Study, who: str) -> None:
    client.force_login(person(who, study))
    assert client.get(address(study)).status_code in (302, 404)
    client.post(address(study), {"verb": "subscribe"})
    assert not Subscriber.objects.exists()


@pytest.mark.parametrize("who", ["analyst", "assistant"])
@pytest.mark.parametrize("verb", ["save", "secret", "test", "retry"])
def test_only_who_edits_sets_the_webhook(client: Client, study: Study, who: str, verb: str) -> None:
    client.force_login(person(who, study))
    assert client.post(address(study), {"verb": verb, **FORM}).status_code == 404
    assert not Watch.objects.exists()
    assert not Notification.objects.exists()


@pytest.mark.parametrize("who", ["analyst", "assistant"])
def test_the_webhooks_address_and_secret_are_shown_to_who_edits_only(
    client: Client, study: Study, who: str
) -> None:
    watch = Watch.objects.create(study=study, webhook_url="https://hook.example.org/secret-path")
    client.force_login(person(who, study))
    page = client.get(address(study)).content.decode()
    assert watch.webhook_secret not in page
    assert "secret-path" not in page
    client.force_login(person("editor", study))
    page = client.get(address(study)).content.decode()
    assert watch.webhook_secret in page


def test_the_settings_are_kept_and_recorded(client: Client, study: Study) -> None:
    client.force_login(person("editor", study))
    client.post(address(study), {"verb": "save", **FORM, "webhook_url": "https://example.org/hook"})
    watch = Watch.objects.get()
    assert (watch.expected_dropout, watch.expected_failed_attention, watch.least) == (30, None, 25)
    old = watch.webhook_secret
    client.post(address(study), {"verb": "secret"})
    assert Watch.objects.get().webhook_secret != old
    verbs = set(study.audit.exclude(verb="names opened").values_list("verb", flat=True))
    assert verbs == {"notifications set", "webhook secret renewed"}
    assert old not in str(list(study.audit.values_list("detail", flat=True)))


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("webhook_url", "ftp://example.org", "begins with https://"),
        ("expected_dropout", "120", "less than or equal to 99"),
        ("least", "", "required"),
    ],
)
def test_a_wrong_setting_is_named_and_nothing_kept(
    client: Client, study: Study, field: str, value: str, says: str
) -> None:
    client.force_login(person("owner", study))
    response = client.post(address(study), {"verb": "save", **FORM, field: value})
    assert response.status_code == 422
    assert says in response.content.decode()
    assert Watch.objects.filter(expected_dropout=20, webhook_url="").exists()


def test_a_test_goes_to_whoever_asks_and_its_fate_is_on_the_page(
    client: Client, study: Study, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MAIL_IS_SENT = False
    owner = person("owner", study)
    client.force_login(owner)
    assert "EMAIL_URL" in client.get(address(study)).content.decode()
    client.post(address(study), {"verb": "test"})
    delivery = Delivery.objects.get()
    assert delivery.user == owner
    Delivery.objects.update(state="failed", reason="The mail server refused the mail (code 550).")
    page = client.get(address(study)).content.decode()
    assert "code 550" in page
    client.post(address(study), {"verb": "retry"})
    assert Delivery.objects.get().state == "queued"


def test_the_page_asks_as_many_questions_for_many_rows_as_for_few(
    client: Client, study: Study, django_assert_max_num_queries: Any
) -> None:
    client.force_login(person("owner", study))
    for number in range(30):
        row = Notification.objects.create(study=study, kind="test", occasion=str(number), link="/")
        Delivery.objects.create(notification=row, address="webhook")
    with django_assert_max_num_queries(20):
        client.get(address(study))
