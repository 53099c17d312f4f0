"""Posts a notification to a study's webhook: to the address that was checked, without following redirects.

Signed as the Standard Webhooks specification says (https://www.standardwebhooks.com), so that its libraries check it.
"""

import base64
import binascii
import contextlib
import hashlib
import hmac
import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any

from django.conf import settings

from survey_site.notifications.addresses import Address, AddressRefused, checked, resolved
from survey_site.notifications.channel import Addressee, Channel
from survey_site.notifications.errors import Permanent, Transient
from survey_site.notifications.models import SECRET_PREFIX, Delivery
from survey_site.studies.models import Study

TIMEOUT_SECONDS = 10
DEADLINE_SECONDS = 25  # for the whole exchange, however slowly its bytes come
AGAIN = {408, 425, 429}


def addressees(study: Study, users: Iterable[int]) -> Iterator[Addressee]:
    """The study's one address, where it has one."""
    if study.watch.webhook_url:
        yield Addressee("webhook")


def send(delivery: Delivery) -> None:
    """Posts the notification to the study's webhook as it is now."""
    row = delivery.notification
    watch = row.study.watch
    if not watch.webhook_url:
        raise Permanent("The study has no webhook any more.")
    content = {
        "kind": row.kind,
        "study": row.study.slug,
        "occasion": row.occasion,
        "at": row.created_at.isoformat(),
        "subject": row.subject,
        "text": row.body,
        "link": settings.SITE_URL + row.link,
        "facts": row.facts,
    }
    post(watch.webhook_url, watch.webhook_secret, delivery.pk, content)


def signature(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    """`v1,` and the HMAC-SHA256, in Base64, of id, timestamp and body with full stops between; the secret is `whsec_…`."""
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error as error:
        raise Permanent("The webhook's secret is of an older kind; make a new one.") from error
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def post(url: str, secret: str, delivery_id: int, content: dict[str, Any]) -> None:
    """Returns when the receiver has answered 2xx; else Permanent or Transient with the reason."""
    body = json.dumps(content, ensure_ascii=False).encode()
    message_id, timestamp = f"delivery_{delivery_id}", str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "saliency-survey",
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": signature(secret, message_id, timestamp, body),
    }
    try:
        address = checked(url)
        status = _exchange(address, resolved(address, settings.WEBHOOK_PRIVATE_HOSTS), body, headers)
    except AddressRefused as error:
        raise Permanent(str(error)) from error
    except ssl.SSLCertVerificationError as error:
        raise Permanent(f"The certificate of {address.host} is not valid: {error.verify_message}.") from error
    except (OSError, http.client.HTTPException) as error:
        raise Transient(f"{address.host} could not be reached ({type(error).__name__}).") from error
    if 200 <= status < 300:
        return
    if status in AGAIN or status >= 500:
        raise Transient(f"{address.host} answered {status}.")
    if 300 <= status < 400:
        raise Permanent(f"{address.host} answered {status}: enter the address that it redirects to.")
    raise Permanent(f"{address.host} answered {status}: it does not want this notification.")


def _exchange(address: Address, ip: str, body: bytes, headers: dict[str, str]) -> int:
    """Connects to that very IP address; TLS checks the certificate against the name."""
    with contextlib.ExitStack() as stack:
        sock = stack.enter_context(socket.create_connection((ip, address.port), TIMEOUT_SECONDS))
        if address.https:
            context = ssl.create_default_context()
            sock = stack.enter_context(context.wrap_socket(sock, server_hostname=address.host))
        watchdog = threading.Timer(DEADLINE_SECONDS, _cut, [sock])
        watchdog.daemon = True
        watchdog.start()
        stack.callback(watchdog.cancel)
        connection = http.client.HTTPConnection(address.netloc, timeout=TIMEOUT_SECONDS)
        connection.sock = sock
        connection.request("POST", address.path, body, headers)
        return connection.getresponse().status  # what the receiver says beyond the status is not read


def _cut(sock: socket.socket) -> None:
    """Ends an exchange that takes too long; whoever waits for it gets an error."""
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


CHANNEL = Channel("webhook", addressees, send)
