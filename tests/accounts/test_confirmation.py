"""Who sits down at a session that somebody left open cannot open doors with it; and sessions end from afar."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django_otp.plugins.otp_totp.models import TOTPDevice

from survey_site.accounts import confirmation, second_factor
from survey_site.accounts.models import ApiToken
from survey_site.studies.models import AuditEntry, Membership, Study
from tests.accounts.two_steps import code_of, enrol, wrong
from tests.desk.test_audit_log import fields

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"
CONFIRM = "/admin/confirm/"
BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def user() -> User:
    return User.objects.create_superuser("ada", password=PASSWORD)


@pytest.fixture
def left_open(client: Client, user: User) -> Client:
    """A session that was last confirmed an hour ago."""
    client.force_login(user, backend=BACKEND)
    session = client.session
    session[confirmation.CONFIRMED_AT] -= 3600
    session.save()
    return client


@pytest.mark.parametrize(
    "path", ["/admin/accounts/apitoken/add/", "/recruitment/mine/", "/admin/auth/user/{pk}/password/"]
)
def test_the_password_is_asked_for_before_a_door_is_opened(left_open: Client, user: User, path: str) -> None:
    Study.objects.create(slug="mine", title="Mine", owner=user)
    path = path.format(pk=user.pk)
    for answer in (
        left_open.get(path),
        left_open.post(path, {"name": "x", "scopes": ["read"], "all_studies": "on"}),
    ):
        assert answer["Location"].startswith(CONFIRM)
    assert not ApiToken.objects.exists()
    asked = left_open.get(path)["Location"]
    assert left_open.get(asked).status_code == 200
    assert left_open.post(CONFIRM, {"password": "wrong", "next": path}).status_code == 422
    assert left_open.get(path).status_code == 302
    assert left_open.post(CONFIRM, {"password": PASSWORD, "next": path})["Location"] == path
    assert left_open.get(path).status_code == 200


def test_a_second_factor_is_neither_begun_nor_switched_off(left_open: Client, user: User) -> None:
    assert left_open.post("/admin/second-factor/", {"verb": "begin"})["Location"].startswith(CONFIRM)
    assert not TOTPDevice.objects.exists()


def test_who_has_a_second_factor_gives_it_too(client: Client, user: User, settings: Any) -> None:
    settings.OTP_TOTP_THROTTLE_FACTOR = 0
    enrol(user)
    client.post("/admin/login/", {"username": "ada", "password": PASSWORD})
    client.post("/admin/login/second-step/", {"code": code_of(TOTPDevice.objects.get())})
    session = client.session
    session[confirmation.CONFIRMED_AT] -= 3600
    session.save()
    device = TOTPDevice.objects.get()
    assert client.post(CONFIRM, {"password": PASSWORD}).status_code == 422
    assert client.post(CONFIRM, {"password": PASSWORD, "code": wrong(device)}).status_code == 422
    TOTPDevice.objects.update(last_t=-1)
    assert client.post(CONFIRM, {"password": PASSWORD, "code": code_of(device)}).status_code == 302
    assert second_factor.device_of(user) is not None


def test_guessing_here_is_slowed_down_as_at_the_door(left_open: Client) -> None:
    answers = [left_open.post(CONFIRM, {"password": "wrong"}).status_code for _ in range(12)]
    assert set(answers[:7]) == {422}
    assert set(answers[8:]) == {429}
    assert left_open.post(CONFIRM, {"password": PASSWORD}).status_code == 429


def test_members_change_only_after_it(left_open: Client, user: User) -> None:
    study = Study.objects.create(slug="mine", title="Mine", owner=user)
    other = User.objects.create_user("eve", is_staff=True)
    page = left_open.get(f"/admin/studies/study/{study.pk}/change/")
    sent = fields(page)
    sent |= {"memberships-TOTAL_FORMS": "1", "memberships-0-user": "eve", "memberships-0-role": "editor"}
    sent["title"] = "Renamed"
    address = f"/admin/studies/study/{study.pk}/change/"
    told = left_open.post(address, sent, follow=True).content.decode()
    assert "confirm that it is you" in told
    assert Study.objects.get().title == "Renamed"
    assert not Membership.objects.exists()
    left_open.post(CONFIRM, {"password": PASSWORD})
    left_open.post(address, sent)
    assert Membership.objects.get().user == other


def test_nobody_is_sent_to_another_site(left_open: Client) -> None:
    sent = {"password": PASSWORD, "next": "https://evil.example/"}
    assert left_open.post(CONFIRM, sent)["Location"] == "/admin/"


def test_one_sees_one_s_sessions_and_ends_the_others(user: User) -> None:
    here, there, stranger = (
        Client(headers={"User-Agent": "Here/1"}),
        Client(headers={"User-Agent": "There/2"}),
        Client(),
    )
    for one in (here, there):
        one.post("/admin/login/", {"username": "ada", "password": PASSWORD})
    stranger.force_login(User.objects.create_user("bob", is_staff=True), backend=BACKEND)
    page = here.get("/admin/sessions/").content.decode()
    assert "Here/1" in page
    assert "There/2" in page
    assert page.count("<tr>") == 3
    here.post("/admin/sessions/")
    assert there.get("/admin/").status_code == 302
    assert here.get("/admin/").status_code == stranger.get("/admin/").status_code == 200
    assert Session.objects.count() == 2
    assert AuditEntry.objects.get(verb="other sessions ended").detail == "1"
