"""Load balancers and Prometheus ask by an address and without TLS; everybody else has to name the site."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from survey_site.trials.views import health

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
ASKED = ("/healthz", "/readyz", "/metrics")


@pytest.fixture(autouse=True)
def _behind_https(settings: Any) -> Iterator[None]:
    """As BEHIND_HTTPS=true and ALLOWED_HOSTS=survey.example.org."""
    settings.ALLOWED_HOSTS = ["survey.example.org"]
    settings.SECURE_SSL_REDIRECT, settings.SECURE_PROXY_SSL_HEADER = True, ("HTTP_X_FORWARDED_PROTO", "https")
    health.LOOKS.forget()
    yield
    health.LOOKS.forget()


@pytest.mark.parametrize("path", ASKED)
@pytest.mark.parametrize("host", ["127.0.0.1:8000", "10.0.0.5", "web:8000", "no host", "survey.example.org"])
def test_what_programs_ask_is_answered_by_any_name_and_without_tls(
    path: str, host: str, settings: Any
) -> None:
    settings.METRICS_TOKEN = "0123456789abcdef" * 2
    headers = {"Authorization": f"Bearer {settings.METRICS_TOKEN}"} if path == "/metrics" else {}
    assert Client(HTTP_HOST=host).get(path, headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8000", 200),
        ("[::1]:8000", 200),
        ("10.0.0.5", 200),
        ("localhost:8000", 200),
        ("survey.example.org", 200),
        ("rebound.example:8000", 404),
        ("127.0.0.1.rebound.example", 404),
        ("no host", 404),
        ("", 404),
    ],
)
def test_without_a_token_metrics_are_read_by_a_name_of_this_machine_alone(host: str, status: int) -> None:
    assert Client(HTTP_HOST=host).get("/metrics").status_code == status


@pytest.mark.parametrize("path", ["/", "/admin/login/", "/healthz/x", "/api/v1/", "/metrics2"])
def test_everything_else_only_by_the_site_s_name_and_with_tls(path: str) -> None:
    assert Client(HTTP_HOST="10.0.0.5").get(path).status_code == 400
    assert Client(HTTP_HOST="10.0.0.5", HTTP_X_FORWARDED_PROTO="https").get(path).status_code == 400
    assert Client(HTTP_HOST="survey.example.org").get(path).status_code == 301


def test_what_may_not_be_read_is_not_there_by_any_name() -> None:
    abroad = Client(REMOTE_ADDR="203.0.113.7", HTTP_HOST="10.0.0.5")
    answer = abroad.get("/metrics")
    assert answer.status_code == 404
    assert b"10.0.0.5" not in answer.content


@pytest.mark.parametrize("path", ASKED)
def test_no_answer_repeats_the_name(path: str) -> None:
    answer = Client(HTTP_HOST="evil.example").get(path)
    assert b"evil" not in answer.content and "evil" not in str(answer.headers)
