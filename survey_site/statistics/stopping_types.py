"""The shape of what looks at the data find and what the report says of them. Standard library: the web may import it."""

from typing import NotRequired, TypedDict

from survey_site.statistics.column_types import Bounds, OutcomeName


class LookedContrast(TypedDict):
    """A column minus the reference as a look found it, scores 0..1 or of the scale; `None` with a `reason` in words."""

    difference: float | None
    variance: float | None
    df: int | None
    reason: NotRequired[str | None]


class TakenLook(TypedDict):
    """A look as it is stored. fraction: of the target, by which α is spent; found: by column."""

    number: int
    planned: int
    participants: int
    fraction: float
    closing: bool
    found: dict[str, LookedContrast]
    taken_at: str


class LookLine(TypedDict):
    """A planned or taken look. level: the two-sided p that stops one contrast there, at Holm's first step.

    participants, reached: `None` where it is not taken yet.
    """

    number: int
    planned: int
    participants: int | None
    closing: bool
    taken_at: str | None
    level: float
    reached: bool | None


class StoppingRow(TypedDict):
    """A contrast of the rule, in the unit of its scores: median-unbiased estimate and interval of the stagewise order.

    p: of all looks so far; p_holm: over the contrasts of the rule. look: the one whose answers the estimate rests on. t,
    df: of that look.
    """

    column: str
    difference: float | None
    ci: Bounds | None
    t: float | None
    df: int | None
    p: float | None
    p_holm: float | None
    significant: bool | None
    look: int | None
    reason: str | None


class StoppingReport(TypedDict):
    """What the sealed rule came to. ended: by its boundary, its last look, or the end of the study.

    planned: how many looks the plan has. rows: empty while columns are masked or the study goes on.
    """

    outcome: OutcomeName
    column: str | None
    told: str
    spending: str
    alpha: float
    planned: int
    looks: list[LookLine]
    reached: bool
    ended: bool
    rows: list[StoppingRow]
    note: str
