"""Opaque names for what the browser handles: presentations, pictures and starts. Nothing here touches the database."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.core.signing import BadSignature, TimestampSigner

# Longer than any storage path of a served picture, so that all picture addresses have one length.
PICTURE_PAYLOAD_BYTES = 192


class BadAddress(ValueError):
    """A forged, damaged or expired address."""


def _derived(purpose: str) -> bytes:
    return hmac.digest(settings.SECRET_KEY.encode(), f"saliency-survey {purpose}".encode(), "sha256")


def _text(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@lru_cache(maxsize=4)
def _box(secret: str) -> Fernet:
    del secret  # the cache key: a changed SECRET_KEY gets a new box
    return Fernet(base64.urlsafe_b64encode(_derived("pictures")))


def picture_token(path: str, lifetime_s: float) -> str:
    """Encrypted name of a stored picture for one presentation; every token is new and of one length."""
    payload = json.dumps([path, int(time.time() + lifetime_s)]).encode()
    if len(payload) > PICTURE_PAYLOAD_BYTES:
        raise ValueError(f"The storage path {path!r} is too long to be served.")
    return _box(settings.SECRET_KEY).encrypt(payload.ljust(PICTURE_PAYLOAD_BYTES)).decode().rstrip("=")


def picture_path(token: str) -> str:
    """The path inside a token made by `picture_token`; `BadAddress` where forged or expired."""
    try:
        payload = _box(settings.SECRET_KEY).decrypt(token.encode() + b"=" * (-len(token) % 4))
    except (InvalidToken, ValueError) as error:
        raise BadAddress("This picture address is not valid.") from error
    path, expires = json.loads(payload)
    if expires < time.time():
        raise BadAddress("This picture address has expired; reload the page.")
    return str(path)


def trial_key(participant_token: str, position: int) -> str:
    """Name of a presentation in forms; of use only together with the participant's own token."""
    mark = hmac.digest(_derived("trials"), f"{participant_token}/{position}".encode(), "sha256")
    return f"{position}-{_text(mark[:15])}"


def position_of(participant_token: str, key: str) -> int:
    """The position that `trial_key` named; `BadAddress` for another participant's or a made-up key."""
    number, _, _ = key.partition("-")
    if not (number.isascii() and number.isdigit() and len(number) < 6):
        raise BadAddress("This form does not belong to a trial of yours.")
    if not hmac.compare_digest(trial_key(participant_token, int(number)).encode(), key.encode()):
        raise BadAddress("This form does not belong to a trial of yours.")
    return int(number)


BOT_TOKEN_S = 600


def bot_token(study_slug: str) -> str:
    """What a simulated participant of this study shows at the door instead of a researcher's session, for ten minutes."""
    return _bots().sign(study_slug).removeprefix(f"{study_slug}:")


def is_bot_token(study_slug: str, value: str) -> bool:
    """Whether `bot_token` made this for the study a short while ago."""
    try:
        _bots().unsign(f"{study_slug}:{value}", max_age=BOT_TOKEN_S)
    except BadSignature:  # forged, of another study, or too old
        return False
    return True


def _bots() -> TimestampSigner:
    return TimestampSigner(salt="saliency-survey bots")


def new_start_nonce() -> str:
    """Put into each start form, so that sending one form twice starts one participant."""
    return secrets.token_urlsafe(24)


def token_of_start(nonce: str, study_slug: str) -> str:
    """The resume token that a start form leads to; the nonce must not lead back from token to other starts."""
    return _text(hmac.digest(_derived("starts"), f"{study_slug}/{nonce}".encode(), "sha256"))


def pseudonym(external_id: str) -> str:
    """What stays of an external id after withdrawal: recognised when it comes again, not readable."""
    mark = hmac.digest(_derived("withdrawn"), external_id.encode(), "sha256")
    return f"withdrawn:{_text(mark[:24])}"


def daily_mark(*parts: str) -> str:
    """Keyed hash that rotates with the UTC day: throttles count with it, no address is kept."""
    day = time.strftime("%Y-%m-%d", time.gmtime())
    return hmac.new(_derived("throttle"), "/".join((day, *parts)).encode(), hashlib.sha256).hexdigest()[:32]
