"""Seeded choices that any language and any Python version reproduces.

The sequences of `random` may change between Python versions; a sealed protocol may not. Every choice here
is a sort or a remainder of SHA-256 digests of a JSON list, so a plan can be recomputed years later.
"""

import json
from hashlib import sha256


def number(*key: str | int) -> int:
    """A uniform integer in 0..2**256 − 1 that depends on `key` alone."""
    return int.from_bytes(sha256(json.dumps(key, separators=(",", ":")).encode()).digest(), "big")


def below(limit: int, *key: str | int) -> int:
    """A uniform integer in 0..limit − 1 (bias below 2**-200 for any limit of practical size)."""
    return number(*key) % limit


def permutation(length: int, *key: str | int) -> list[int]:
    """A uniform permutation of 0..length − 1: the order of one digest per element."""
    return sorted(range(length), key=lambda element: number(*key, element))
