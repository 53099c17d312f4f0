"""Canonical JSON of a protocol's document, and its SHA-256: the same content has the same hash everywhere."""

import hashlib
import json
from typing import Any


def dumps(document: Any) -> str:
    """JSON with sorted keys, no white space, UTF-8 characters as they are; refuses NaN and infinities."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def sha256(document: Any) -> str:
    """Hexadecimal SHA-256 of the canonical JSON in UTF-8."""
    return hashlib.sha256(dumps(document).encode()).hexdigest()
