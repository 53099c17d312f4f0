"""What `verify` says of one thing."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CheckedThing:
    """One thing looked at. `problem` is empty where all is well; `kind` groups the counts."""

    kind: str
    name: str
    problem: str = ""
