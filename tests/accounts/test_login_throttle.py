"""Guessing is slowed down for who guesses, never for the right person elsewhere; and who was attacked is told."""

from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt, AccessLog
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import ValidationError, validate_password
from django.test import Client, RequestFactory
from django.utils import timezone

from survey_site import environment_values as values
from survey_site.accounts import login_throttle
from survey_site.accounts.client_address import client_address, marked, network_of
from survey_site.accounts.login_throttle import FOR_NAME_AND_SENDER, FOR_SENDER, Rule
from survey_site.studies.models import AuditEntry

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"
LOGIN = "/admin/login/"


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada", password=PASSWORD, is_staff=True)


def attempt(name: str, password: str, address: str, client: Client | None = None) -> int:
    sent = {"username": name, "password": password, "next": "/admin/"}
    return (client or Client()).post(LOGIN, sent, REMOTE_ADDR=address).status_code


def test_a_storm_from_elsewhere_does_not_keep_the_right_person_out(ada: User) -> None:
    for number in range(60):
        attempt("ada", "wrong", f"198.51.100.{number % 5}")
    assert attempt("ada", PASSWORD, "198.51.100.1") == 429
    assert attempt("ada", PASSWORD, "203.0.113.9") == 302


def test_one_sender_does_not_try_forty_names_unhindered() -> None:
    answers = [attempt(f"name{number}", "wrong", "198.51.100.1") for number in range(40)]
    assert answers.count(200) < 21
    assert set(answers[21:]) == {429}
    assert AccessAttempt.objects.count() < 22  # who waits is not even counted


def test_the_wait_doubles_and_has_an_end() -> None:
    rule = Rule(free=3, longest=timedelta(minutes=10))
    waits = [rule.wait(n).total_seconds() for n in range(12)]
    assert waits == [0, 0, 0, 15, 30, 60, 120, 240, 480, 600, 600, 600]
    assert Rule(3, timedelta(hours=1)).wait(10**6) == timedelta(hours=1)
    assert FOR_SENDER.longest < FOR_NAME_AND_SENDER.longest


def test_after_the_wait_one_may_try_again_and_success_forgets(ada: User) -> None:
    for _ in range(9):
        attempt("ada", "wrong", "198.51.100.1")
    assert attempt("ada", PASSWORD, "198.51.100.1") == 429
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(seconds=40))
    assert attempt("ada", PASSWORD, "198.51.100.1") == 302
    assert not AccessAttempt.objects.exists()


def test_a_further_try_while_waiting_does_not_prolong_it(ada: User) -> None:
    for _ in range(8):
        attempt("ada", "wrong", "198.51.100.1")
    before = AccessAttempt.objects.get().attempt_time
    for _ in range(5):
        attempt("ada", "wrong", "198.51.100.1")
    assert AccessAttempt.objects.get().attempt_time == before


def test_who_was_attacked_is_told_at_the_door(ada: User) -> None:
    for number in range(login_throttle.STORM):
        attempt("ada", "wrong", f"198.51.100.{number}")
    client = Client()
    assert attempt("ada", PASSWORD, "203.0.113.9", client) == 302
    assert "20 wrong passwords or codes" in client.get("/admin/").content.decode()
    assert AuditEntry.objects.get(verb="many wrong passwords").detail == "20 for ada within a day"


def test_a_few_mistakes_alarm_nobody(ada: User) -> None:
    attempt("ada", "wrong", "198.51.100.1")
    client = Client()
    attempt("ada", PASSWORD, "203.0.113.9", client)
    assert "wrong password" not in client.get("/admin/").content.decode()


def test_no_address_is_stored_and_another_key_gives_another_mark(ada: User, settings: Any) -> None:
    attempt("ada", "wrong", "198.51.100.1")
    attempt("ada", PASSWORD, "198.51.100.1")
    attempt("ada", "wrong", "198.51.100.1")
    stored = [
        *AccessAttempt.objects.values_list("ip_address", flat=True),
        *AccessLog.objects.values_list("ip_address", flat=True),
    ]
    assert len(stored) == 2
    assert len(set(stored)) == 1
    assert stored[0].startswith("fd")
    request = RequestFactory().get("/", REMOTE_ADDR="198.51.100.1")
    assert marked(request) == stored[0]
    settings.SECRET_KEY = "another" * 10
    assert marked(request) != stored[0]


def test_a_sender_of_ipv6_is_a_network(settings: Any) -> None:
    assert network_of("2a00:1450:1:2::1") == network_of("2a00:1450:1:2:ffff::9") == "2a00:1450:1:2::/64"
    assert network_of("::ffff:198.51.100.1") == network_of("198.51.100.1") == "198.51.100.1"
    assert network_of("unix:") == "unix:"


def test_the_sender_is_what_the_front_server_saw_where_there_is_one(settings: Any) -> None:
    request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR="6.6.6.6, 198.51.100.1")
    assert client_address(request) == "10.0.0.1"
    settings.BEHIND_HTTPS = True
    assert client_address(request) == "198.51.100.1"


@pytest.mark.parametrize(
    ("direct", "forwarded", "found"),
    [
        ("10.0.0.1", "6.6.6.6, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1, 192.0.2.7", "198.51.100.1"),
        ("203.0.113.5", "198.51.100.1", "203.0.113.5"),  # no front server: nothing that it says is believed
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "10.0.0.9, 10.0.0.2", "10.0.0.9"),
        ("::ffff:10.0.0.1", "2a00:1450::1", "2a00:1450::1"),
        ("", "198.51.100.1", "198.51.100.1"),  # a socket in the file system
        ("10.0.0.1", "198.51.100.1, not an address", "not an address"),
        ("10.0.0.1", "198.51.100.1:4711", "198.51.100.1"),
        ("10.0.0.1", "[2a00:1450::1]:4711", "2a00:1450::1"),
    ],
)
def test_the_sender_is_the_last_who_is_no_trusted_proxy(
    settings: Any, direct: str, forwarded: str, found: str
) -> None:
    settings.TRUSTED_PROXIES = values.networks("TRUSTED_PROXIES", ["10.0.0.0/8", "192.0.2.7"])
    request = RequestFactory().get("/", REMOTE_ADDR=direct, HTTP_X_FORWARDED_FOR=forwarded)
    assert client_address(request) == found


@pytest.mark.parametrize("password", ["short-word1", "password1234", "administrator"])
def test_short_and_common_passwords_are_refused(password: str) -> None:
    with pytest.raises(ValidationError):
        validate_password(password)
    validate_password("a long and unusual phrase")
