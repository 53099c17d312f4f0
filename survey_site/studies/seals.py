"""Keyed digests: whoever changes a row without knowing the server's SECRET_KEY cannot make its seal anew.

A seal names the key that made it, so that a row of another key is told from a changed one. Keys that were in use before
are SECRET_KEY_FALLBACKS: they still prove, and seal nothing new.
"""

import hashlib
import hmac
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.conf import settings

from survey_site.design.canonical import canonical

NAME_DIGITS = 12
EMPTY = "0" * 64
"""The head of a chain without links."""


def link(head: str, digest: str) -> str:
    """The head of a chain after one more link: SHA-256 of both as hexadecimal text."""
    return hashlib.sha256(f"{head}{digest}".encode()).hexdigest()


def key_name() -> str:
    """Tells the present key from others and nothing of what it is."""
    return _named(settings.SECRET_KEY)[0]


def known_keys() -> list[str]:
    """Names of all keys of this installation, the present one first."""
    return [_named(secret)[0] for secret in _secrets()]


def make(purpose: str, values: Mapping[str, Any]) -> str:
    """The seal of these values under the present key, `<key>:<digest>`. Raises NotCanonical for what JSON cannot hold."""
    name, key = _named(settings.SECRET_KEY)
    return f"{name}:{_digest(key, purpose, values)}"


def fault(seal: str, purpose: str, values: Mapping[str, Any]) -> str:
    """Why the seal is not that of the values; empty where it is."""
    if not seal:
        return "it has no seal"
    if seal == DOUBTED:
        return "it was changed before the site stored it again"
    name, _, digest = seal.partition(":")
    for secret in _secrets():
        known, key = _named(secret)
        if known == name:
            same = hmac.compare_digest(_digest(key, purpose, values).encode(), digest.encode())
            return "" if same else "it was changed: its seal is not that of what it says"
    return OTHER_KEY


DOUBTED = "doubted"
"""Instead of a seal, on a row that was not as it had been sealed when the site changed it."""
OTHER_KEY = "its seal was made with another SECRET_KEY, or was changed"


def _secrets() -> list[str]:
    return [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]


@lru_cache(maxsize=8)
def _named(secret: str) -> tuple[str, bytes]:
    key = hmac.digest(secret.encode(), b"saliency-survey seals", "sha256")
    return hmac.digest(key, b"name", "sha256").hex()[:NAME_DIGITS], key


def _digest(key: bytes, purpose: str, values: Mapping[str, Any]) -> str:
    return hmac.digest(key, canonical({"of": purpose, "values": dict(values)}), "sha256").hex()
