"""A webhook as its receiver sees it, over a real socket; mail as its server answers."""

import base64
import hashlib
import hmac
import json
import smtplib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from django.core import mail as outgoing

from survey_site.notifications import mail, webhook
from survey_site.notifications.errors import Permanent, Transient
from survey_site.notifications.models import new_secret


class Receiver(HTTPServer):
    """Keeps what it was sent and answers with `status`."""

    status = 204
    seen: list[tuple[str, dict[str, str], bytes]]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook?team=1"


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((self.path, dict(self.headers), body))
        self.send_response(self.server.status)
        self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.WEBHOOK_PRIVATE_HOSTS = ["127.0.0.1"]
    server = Receiver(("127.0.0.1", 0), Handler)
    server.seen = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


KEY = b"32 bytes that only two may know."
SECRET = "whsec_" + base64.b64encode(KEY).decode()


def test_the_receiver_can_check_who_sent_it(receiver: Receiver) -> None:
    webhook.post(receiver.url, SECRET, 7, {"kind": "test", "subject": "Grüße"})
    ((path, headers, body),) = receiver.seen
    assert path == "/hook?team=1"
    assert json.loads(body) == {"kind": "test", "subject": "Grüße"}
    assert headers["webhook-id"] == "delivery_7"
    assert headers["Host"] == f"127.0.0.1:{receiver.server_port}"
    signed = f"delivery_7.{headers['webhook-timestamp']}.".encode() + body
    mark = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{mark}"


def test_it_signs_as_the_specification_s_own_example() -> None:
    """The vector that the reference libraries of Standard Webhooks test themselves with."""
    secret, message = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek"
    mark = webhook.signature(secret, message, "1614265330", b'{"test": 2432232314}')
    assert mark == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_every_secret_is_one_of_the_specification() -> None:
    made = new_secret()
    assert made.startswith("whsec_")
    assert len(base64.b64decode(made.removeprefix("whsec_"), validate=True)) == 32
    assert made != new_secret()


@pytest.mark.parametrize(
    ("status", "outcome", "says"),
    [
        (500, Transient, "answered 500"), (429, Transient, "429"), (302, Permanent, "redirects"),
        (404, Permanent, "404"), (410, Permanent, "410"),
    ],
)  # fmt: skip
def test_answers_are_sorted_and_redirects_not_followed(
    receiver: Receiver, status: int, outcome: type[Exception], says: str
) -> None:
    receiver.status = status
    with pytest.raises(outcome, match=says):
        webhook.post(receiver.url, SECRET, 1, {})
    assert len(receiver.seen) == 1


def test_a_private_host_gets_nothing_unless_the_operator_allows_it(receiver: Receiver, settings: Any) -> None:
    settings.WEBHOOK_PRIVATE_HOSTS = []
    with pytest.raises(Permanent, match="private network"):
        webhook.post(receiver.url, SECRET, 1, {})
    assert receiver.seen == []


def test_a_receiver_that_is_away_may_come_back(receiver: Receiver) -> None:
    url = receiver.url
    receiver.shutdown()
    receiver.server_close()
    with pytest.raises(Transient, match="could not be reached"):
        webhook.post(url, SECRET, 1, {})


def test_an_exchange_that_never_ends_is_cut(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    monkeypatch.setattr(Handler, "do_POST", lambda self: released.wait(20))
    monkeypatch.setattr(webhook, "DEADLINE_SECONDS", 0.1)
    with pytest.raises(Transient):
        webhook.post(receiver.url, SECRET, 1, {})
    released.set()


class Failing:
    """A mail connection whose server says no."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def send_messages(self, messages: object) -> int:
        raise self.error


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (smtplib.SMTPRecipientsRefused({"a@b.org": (550, b"unknown")}), Permanent),
        (smtplib.SMTPRecipientsRefused({"a@b.org": (450, b"later")}), Transient),
        (smtplib.SMTPAuthenticationError(535, b"no"), Permanent),
        (smtplib.SMTPDataError(451, b"later"), Transient),
        (smtplib.SMTPServerDisconnected("gone"), Transient),
        (TimeoutError(), Transient),
    ],
)
def test_what_a_mail_server_says_is_sorted(
    monkeypatch: pytest.MonkeyPatch, settings: Any, error: Exception, outcome: type[Exception]
) -> None:
    settings.MAIL_IS_SENT = True
    monkeypatch.setattr("django.core.mail.get_connection", lambda *args, **kwargs: Failing(error))
    monkeypatch.setattr(
        "django.core.mail.message.get_connection", lambda *a, **k: Failing(error), raising=False
    )
    with pytest.raises(outcome):
        mail.post("a@b.org", "subject", "body")


def test_a_title_of_several_lines_makes_no_header(settings: Any) -> None:
    settings.MAIL_IS_SENT = True
    mail.post("a@b.org", "one\r\nBcc: c@d.org", "body")
    (sent,) = outgoing.outbox
    assert sent.subject == "one Bcc: c@d.org"
    assert sent.recipients() == ["a@b.org"]


def test_without_server_or_address_it_says_what_to_do(settings: Any) -> None:
    settings.MAIL_IS_SENT = False
    with pytest.raises(Permanent, match="EMAIL_URL"):
        mail.post("a@b.org", "s", "b")
    settings.MAIL_IS_SENT = True
    with pytest.raises(Permanent, match="no e-mail address"):
        mail.post("", "s", "b")
