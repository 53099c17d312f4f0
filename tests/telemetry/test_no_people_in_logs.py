"""A participant gives everything personal that there is to give; the log has their code and nothing else of them."""

import io
import json
import logging.config
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from survey_site.protocols import freeze
from survey_site.studies.models import StudyText
from survey_site.telemetry import lines
from survey_site.trials import answers
from survey_site.trials.models import Participant
from tests import factories
from tests.trials.player import begin, fill, until_trial

PERSONAL = ("Jane", "Example", "jane@", "1970-01-01", "5f3aPROLIFIC", "203.0.113.77", "hunter2", "Firefox")
QUESTIONS = "# About\nage*: How old are you? [18-99]\nnote: Anything?"

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


@pytest.fixture
def log(settings: Any) -> Iterator[io.StringIO]:
    """Everything that is logged, however little it matters, as JSON."""
    settings.LOG_REQUESTS = True
    out = io.StringIO()
    chosen = lines.logging("json")
    chosen["handlers"]["stderr"]["stream"] = out
    chosen["root"]["level"] = "DEBUG"
    chosen["loggers"] = {"survey_site": {"level": "DEBUG"}, "asyncio": {"level": "WARNING"}}
    before, root = list(logging.getLogger().handlers), logging.getLogger()
    level = root.level
    logging.config.dictConfig(chosen)
    yield out
    logging.config.dictConfig(settings.LOGGING)
    root.handlers[:], root.level = before, level


def entries(log: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def test_the_log_names_study_and_code_and_nothing_personal(
    log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = factories.draft()
    StudyText.objects.create(study=study, key="demographics", language="en", markdown=QUESTIONS)
    freeze.go_live(study)
    person = {
        "REMOTE_ADDR": "203.0.113.77",
        "HTTP_USER_AGENT": "Firefox of Jane",
        "HTTP_REFERER": "http://jane@x.example/",
    }
    client = Client(raise_request_exception=False, **person)
    address = begin(client, "test", "?lang=en&PROLIFIC_PID=5f3aPROLIFIC&mail=jane@example.org")
    given = {"page": "demographics", "q_age": "44", "q_note": "Jane Example, jane@example.org, 1970-01-01"}
    assert client.post(address, given).status_code == 303
    form = until_trial(client, address)

    def failing(*_: object, **__: object) -> None:
        raise RuntimeError(f"cannot store {address} of jane@example.org")

    with monkeypatch.context() as broken:
        broken.setattr(answers, "_write", failing)
        failed = client.post(address, fill(form) | {"client": "Jane Example"})
    assert failed.status_code == 500
    client.post("/admin/login/", {"username": "jane@example.org", "password": "hunter2"})

    said, participant = log.getvalue(), Participant.objects.get()
    for secret in (*PERSONAL, participant.token, participant.receipt):
        assert secret not in said, [line for line in said.splitlines() if secret in line][:1]
    (trace,) = [entry for entry in entries(log) if "RuntimeError" in entry.get("exception", "")]
    assert trace["request_id"] == failed.headers["X-Request-ID"]
    assert (trace["study"], trace["participant"]) == ("test", participant.code)
    requests = [entry for entry in entries(log) if entry["logger"] == "survey_site.requests"]
    assert len(requests) > 5
    assert all(entry["request_id"] and entry["view"] for entry in requests)


def test_a_request_keeps_the_number_that_the_front_server_gave_it_and_nothing_of_the_one_before(
    log: io.StringIO,
) -> None:
    factories.live()
    client = Client()
    begin(client, "test")
    client.get(reverse("healthz"), headers={"X-Request-ID": "0123456789abcdef"})
    client.get(reverse("healthz"), headers={"X-Request-ID": "jane@example.org of 203.0.113.77"})
    named, unfit = [entry for entry in entries(log) if entry["logger"] == "survey_site.requests"][-2:]
    assert named["request_id"] == "0123456789abcdef"
    assert "participant" not in named
    assert len(unfit["request_id"]) == 16
