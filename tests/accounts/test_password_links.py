"""Invited researchers and forgotten passwords: a signed link that works once, and tells nobody who has an account."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client
from kombu.exceptions import OperationalError

from survey_site.accounts import confirmation, password_pages
from survey_site.celery import app
from survey_site.notifications import forgotten, tasks
from survey_site.notifications import mail as post_office
from survey_site.notifications.errors import Transient
from survey_site.studies.models import AuditEntry

pytestmark = pytest.mark.django_db
INVITE, FORGOTTEN, LIST = "/admin/auth/user/invite/", "/admin/password_reset/", "/admin/auth/user/"
GOOD = "a long passphrase of mine"


@pytest.fixture(autouse=True)
def site(settings: Any) -> None:
    settings.SITE_URL = "http://testserver"
    settings.MAIL_IS_SENT = True


def link_in(text: str) -> str:
    return re.findall(r"http://testserver(/admin/password/[^\s\"<]+)", text)[0]


def choose(link: str, password: str = GOOD) -> tuple[int, str]:
    browser = Client()
    page = browser.get(link, follow=True)
    if not page.context["validlink"]:
        return 0, page.content.decode()
    where = page.request["PATH_INFO"]
    assert "set-password" in where  # the token is in no address that a page could pass on
    answer = browser.post(where, {"new_password1": password, "new_password2": password})
    return answer.status_code, answer.content.decode()


def test_an_invited_researcher_chooses_a_password_by_the_link_once(admin_client: Client) -> None:
    page = admin_client.post(INVITE, {"username": "eve", "email": ""}, follow=True)
    assert "no-store" in page["Cache-Control"]
    eve = User.objects.get(username="eve")
    assert eve.is_staff and not eve.is_superuser and not eve.has_usable_password()
    link = link_in(page.content.decode())
    assert choose(link, "short")[0] == 200  # Django's validators refuse it beside the field
    assert choose(link)[0] == 302
    assert User.objects.get(username="eve").check_password(GOOD)
    status, told = choose(link)
    assert status == 0 and "Ask for a new one" in told
    verbs = set(AuditEntry.objects.values_list("verb", flat=True))
    assert {"researcher invited", "password link made", "password set by link"} <= verbs
    assert not AuditEntry.objects.filter(detail__contains=link.split("/")[-2]).exists()


def test_an_invitation_is_mailed_where_wished(admin_client: Client) -> None:
    sent = {"username": "eve", "email": "eve@example.org", "by_mail": "on"}
    page = admin_client.post(INVITE, sent, follow=True).content.decode()
    (message,) = mail.outbox
    assert message.to == ["eve@example.org"] and link_in(message.body) == link_in(page)


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ({"username": "ADMIN"}, "already"),
        ({"username": "a b!"}, "valid username"),
        ({"username": "eve", "email": "no"}, "valid email"),
        ({"username": "eve", "by_mail": "on"}, "Write the address"),
    ],
)
def test_what_is_refused_makes_no_account(admin_client: Client, sent: dict[str, str], told: str) -> None:
    answer = admin_client.post(INVITE, sent, follow=True)
    assert answer.status_code == 422 and told in answer.content.decode()
    assert User.objects.count() == 1 and not mail.outbox


def test_without_a_mail_server_a_mail_is_refused_and_the_link_works(
    admin_client: Client, settings: Any
) -> None:
    settings.MAIL_IS_SENT = False
    sent = {"username": "eve", "email": "eve@example.org"}
    assert (
        "no mail server" in admin_client.post(INVITE, sent | {"by_mail": "on"}, follow=True).content.decode()
    )
    assert link_in(admin_client.post(INVITE, sent, follow=True).content.decode())
    assert "Ask an administrator" in Client().get(FORGOTTEN).content.decode()


def test_only_superusers_invite_and_after_they_confirmed(client: Client, admin_client: Client) -> None:
    session = admin_client.session
    session[confirmation.CONFIRMED_AT] = 0
    session.save()
    assert (
        admin_client.post(INVITE, {"username": "eve"}, follow=True)
        .redirect_chain[-1][0]
        .startswith("/admin/confirm/")
    )
    staff = User.objects.create_user("ada", is_staff=True)
    client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(INVITE, follow=True).status_code == 403
    assert not User.objects.filter(username="eve").exists()


def test_a_link_is_made_for_an_account_that_is_there(admin_client: Client) -> None:
    eve = User.objects.create_user("eve", password="old and forgotten", is_staff=True)
    action = {"action": "link_to_password", "_selected_action": [eve.pk]}
    link = link_in(admin_client.post(LIST, action).content.decode())
    assert choose(link)[0] == 302
    assert User.objects.get(username="eve").check_password(GOOD)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the queue is asked for."""
    found: list[Any] = []
    monkeypatch.setattr(app, "send_task", lambda name, args: found.append((name, args)))
    return found


def test_a_forgotten_password_tells_nobody_who_has_an_account(
    client: Client, asked: list[Any], django_assert_num_queries: Any
) -> None:
    User.objects.create_user("eve", "eve@example.org", "old", is_staff=True)
    User.objects.create_user("gone", "gone@example.org", "old", is_staff=True, is_active=False)
    client.post(FORGOTTEN, {"email": "warm@example.org"})
    answers = []
    for name in ("eve", "gone", "nobody"):
        with django_assert_num_queries(0):  # the way is the same, so that its time tells nothing either
            answers.append(client.post(FORGOTTEN, {"email": f"{name}@example.org"}))
    assert len({(answer.status_code, answer["Location"]) for answer in answers}) == 1
    assert not mail.outbox
    for name, arguments in asked:
        assert name == tasks.mail_password_links.name
        tasks.mail_password_links(*arguments)
    tasks.mail_password_links("EVE@example.org")  # at once again
    (message,) = mail.outbox
    assert "eve" in message.body and choose(link_in(message.body))[0] == 302
    assert AuditEntry.objects.filter(verb="password link mailed").count() == 1


def test_who_asks_for_many_mails_has_to_wait_and_nobody_else(
    client: Client, asked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(password_pages, "MOST_AN_HOUR", 3)
    here, there = {"REMOTE_ADDR": "198.51.100.7"}, {"REMOTE_ADDR": "198.51.100.8"}
    for number in range(5):
        answer = client.post(FORGOTTEN, {"email": f"{number}@example.org"}, **here)
    assert "Too many mails were asked for from here" in answer.content.decode()
    assert len(asked) == 3
    assert client.post(FORGOTTEN, {"email": "eve@example.org"}, **there).status_code == 302


def test_a_mail_that_did_not_go_is_not_said_to_have_gone(
    asked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    User.objects.create_user("eve", "eve@example.org", "old", is_staff=True)

    def away(*_: Any) -> None:
        raise Transient("The mail server could not be reached.")

    monkeypatch.setattr(post_office, "post", away)
    with pytest.raises(Transient):
        forgotten.mail_links("eve@example.org")
    assert not AuditEntry.objects.filter(verb="password link mailed").exists()


def test_a_broker_that_is_away_is_said_to_everybody_alike(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise OperationalError("away")

    monkeypatch.setattr(app, "send_task", away)
    answer = client.post(FORGOTTEN, {"email": "eve@example.org"})
    assert "No mail can be sent at the moment" in answer.content.decode()


def test_the_sign_in_page_leads_there(client: Client) -> None:
    assert f'href="{FORGOTTEN}"' in client.get("/admin/login/").content.decode()
