"""What `verify` says of one thing."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from survey_site.studies.unreadable import UNREADABLE, told


@dataclass(frozen=True)
class CheckedThing:
    """One thing looked at. `problem` is empty where all is well; `kind` groups the counts."""

    kind: str
    name: str
    problem: str = ""


def said(check: Callable[..., str], *things: Any) -> str:
    """What a check finds wrong with these; what it cannot read is wrong."""
    try:
        return check(*things)
    except UNREADABLE as error:
        return told(error)


def whole(kind: str, found: Iterator[CheckedThing]) -> Iterator[CheckedThing]:
    """All that is found; where a row cannot be read, that, in place of what would have come after it."""
    try:
        yield from found
    except UNREADABLE as error:
        yield CheckedThing(kind, "the rest of them", f"could not be looked at: {told(error)}")
