"""Invited researchers and forgotten passwords: a signed link that works once, and tells nobody who has an account."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client

from survey_site.accounts import confirmation
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


def test_a_forgotten_password_tells_nobody_who_has_an_account(client: Client) -> None:
    User.objects.create_user("eve", "eve@example.org", "old", is_staff=True)
    User.objects.create_user("gone", "gone@example.org", "old", is_staff=True, is_active=False)
    answers = [client.post(FORGOTTEN, {"email": f"{name}@example.org"}) for name in ("eve", "gone", "nobody")]
    assert len({(answer.status_code, answer["Location"]) for answer in answers}) == 1
    client.post(FORGOTTEN, {"email": "eve@example.org"})  # at once again
    (message,) = mail.outbox
    assert "eve" in message.body and choose(link_in(message.body))[0] == 302


def test_the_sign_in_page_leads_there(client: Client) -> None:
    assert f'href="{FORGOTTEN}"' in client.get("/admin/login/").content.decode()
