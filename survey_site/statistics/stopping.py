"""When a study stops: looks at the data fixed before them, and what ends it there. Standard library.

The heavy part is in `boundaries` and `sequential`; this one is what a plan seals and what pages may say of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from typing import Any, Self

OBRIEN_FLEMING, POCOCK = "obrien_fleming", "pocock"
SPENDING_TITLES = {OBRIEN_FLEMING: "O'Brien–Fleming", POCOCK: "Pocock"}
MOST_LOOKS = 10
CORRECTED = (
    "Columns of the sealed stopping rule: p over all looks and corrected by Holm, differences and intervals corrected for "
    "the stopping."
)
LEAST_PARTICIPANTS = 3  # two degrees of freedom; with fewer no test can tell anything


@dataclass(frozen=True)
class StoppingRule:
    """What ends a study before its target.

    outcome: the key of the measure. column: its contrast with the reference is the primary one; `None`: the study stops
    when all contrasts of the measure are decided. looks: rising numbers of participants, the last being the target.
    spending: by which of the two functions of Lan & DeMets the looks use up α.
    """

    outcome: str
    looks: tuple[int, ...]
    column: str | None = None
    spending: str = OBRIEN_FLEMING

    def __post_init__(self) -> None:
        if not isinstance(self.outcome, str) or not self.outcome:
            raise ValueError('the stopping rule needs an outcome, such as "faith"')
        if self.column is not None and (not isinstance(self.column, str) or not self.column):
            raise ValueError("the stopping rule's column is a name, or null for all contrasts")
        if self.spending not in SPENDING_TITLES:
            raise ValueError(
                f"the spending function is {' or '.join(SPENDING_TITLES)}, not {self.spending!r}"
            )
        if wrong := looks_problem(self.looks):
            raise ValueError(wrong)
        object.__setattr__(self, "looks", tuple(self.looks))

    @classmethod
    def from_mapping(cls, data: Any) -> Self:
        """The rule from a plan's JSON; unknown keys are refused with their names."""
        if not isinstance(data, Mapping):
            raise ValueError(
                'the stopping rule is names with values, such as {"outcome": "faith", "looks": [12, 24]}'
            )
        if unknown := sorted(set(data) - {f.name for f in fields(cls)}):
            raise ValueError(f"unknown settings of the stopping rule: {', '.join(unknown)}")
        try:
            return cls(**data)
        except TypeError:
            raise ValueError("the stopping rule needs an outcome and looks") from None

    def to_mapping(self) -> dict[str, Any]:
        """Plain data for the plan's JSON."""
        return asdict(self) | {"looks": list(self.looks)}

    @property
    def fractions(self) -> list[float]:
        """Of the target, at each look."""
        return [n / self.looks[-1] for n in self.looks]

    def told(self, measure: str) -> str:
        """The rule in a sentence; measure: the title of the outcome."""
        what = f"the contrast of {self.column}" if self.column else "every contrast"
        return (
            f"The study stops when {what} with the reference crosses its boundary in {measure}, at looks after "
            f"{', '.join(map(str, self.looks[:-1]))} and {self.looks[-1]} participants; α is spent by the "
            f"{SPENDING_TITLES[self.spending]} type function of Lan and DeMets."
        )


def looks_problem(looks: Any) -> str:
    """What is wrong with the numbers of participants; empty where nothing is."""
    whole = isinstance(looks, Sequence) and not isinstance(looks, str)
    if not whole or not all(isinstance(n, int) and not isinstance(n, bool) for n in looks):
        return "looks are whole numbers of participants, such as 12, 24, 36"
    if not 2 <= len(looks) <= MOST_LOOKS:
        return f"there are two to {MOST_LOOKS} looks, the last at the target; not {len(looks)}"
    if looks[0] < LEAST_PARTICIPANTS:
        return f"the first look is after {LEAST_PARTICIPANTS} participants at least, not {looks[0]}"
    if any(later <= earlier for earlier, later in pairwise(looks)):
        return "each look is after more participants than the one before"
    return ""


def design_problems(
    rule: StoppingRule,
    *,
    outcomes: Sequence[str],
    columns: Sequence[str],
    reference: str,
    controls: Sequence[str],
    target: int,
) -> list[tuple[str, str]]:
    """What keeps a design from this rule: (name of the setting, what is wrong)."""
    found = []
    if rule.outcome not in outcomes:
        told = f"the study has {' and '.join(outcomes)}" if outcomes else "no task of the study has a measure"
        found.append(("outcome", f"the stopping rule is about {rule.outcome!r}, but {told}"))
    compared = [name for name in columns if name != reference and name not in controls]
    if rule.column is not None and rule.column not in compared:
        told = ", ".join(compared) or "none"
        found.append(
            (
                "column",
                f"the stopping rule names {rule.column!r}, which is not compared with {reference}; these are: {told}",
            )
        )
    elif not compared:
        found.append(("column", "the stopping rule has nothing to compare: there is the reference alone"))
    if rule.looks[-1] != target:
        found.append(
            ("looks", f"the last look is after {rule.looks[-1]} participants, but the target is {target}")
        )
    return found
