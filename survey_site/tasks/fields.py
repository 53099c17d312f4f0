"""Reading fields of a form, for tasks: pure functions of texts."""

from collections.abc import Container


def whole(text: str, allowed: Container[int]) -> int | None:
    """A whole number of at most three plain digits that is among the allowed ones; None for anything else."""
    if text.isascii() and text.isdigit() and len(text) <= 3 and int(text) in allowed:
        return int(text)
    return None
