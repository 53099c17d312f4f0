"""What is kept of an identifier that must be recognised and not read: a keyed hash."""

import base64
import hmac

from django.conf import settings


def mark_of(provider: str, external_id: str) -> str:
    """The keyed hash of a person's identifier at a provider; 40 letters and digits, `-` and `_`."""
    key = hmac.digest(settings.SECRET_KEY.encode(), b"saliency-survey identifiers", "sha256")
    digest = hmac.digest(key, f"{provider}/{external_id}".encode(), "sha256")
    return base64.urlsafe_b64encode(digest[:30]).decode()
