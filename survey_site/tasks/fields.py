"""Texts of forms, for tasks: pure functions."""

from collections.abc import Container


def whole(text: str, allowed: Container[int]) -> int | None:
    """A whole number of at most three plain digits that is among the allowed ones; None for anything else."""
    if text.isascii() and text.isdigit() and len(text) <= 3 and int(text) in allowed:
        return int(text)
    return None


def isolated(text: str) -> str:
    """A text of any direction, such as a label, for the middle of a sentence of another one (Unicode's isolates)."""
    return f"\u2068{text}\u2069"
