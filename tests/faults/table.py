"""Tables as Markdown has them, so that what is printed can go into the docs as it is."""

from collections.abc import Sequence


def line(texts: Sequence[str]) -> str:
    return f"| {' | '.join(texts)} |"


def rule(headings: Sequence[str]) -> str:
    """What stands below the headings."""
    return line(["---"] * len(headings))
