"""Which ticket a new arrival takes, and what happens to one that was let go.

The N tickets 0..N − 1 of a study are leased. Drop-out, timeout or quality exclusion releases a ticket; the
lowest released one goes to the next arrival, so completed participants fill the tickets without gaps, and
balance holds whatever the drop-outs (docs/study-design.md).
"""

from dataclasses import dataclass
from typing import Literal

TicketState = Literal["leased", "released", "completed"]
Return = Literal["resume", "reclaim", "surplus", "finished"]


@dataclass(frozen=True, slots=True)
class Offer:
    """The ticket of a new arrival; `ticket` is None where the study takes nobody at present."""

    ticket: int | None
    reason: Literal["released", "next", "surplus", "full"]

    @property
    def primary(self) -> bool:
        """Whether the participant's data enter the primary analysis once complete."""
        return self.reason in ("released", "next")


def offer(*, lowest_released: int | None, issued: int, quota: int, overflow: bool = False) -> Offer:
    """The lowest released ticket, else the next of 0..quota − 1, else nothing, or a surplus ticket.

    issued: how many tickets were ever handed out, released ones included, so the next number.
    overflow: keep recruiting beyond the quota; such participants get tickets from `quota` on, are paid,
    and are analysed only in the sensitivity analysis.
    """
    if quota < 1:
        raise ValueError(f"A study needs at least one ticket; the quota is {quota}.")
    if lowest_released is not None:
        return Offer(lowest_released, "released" if lowest_released < quota else "surplus")
    if issued < quota:
        return Offer(issued, "next")
    return Offer(issued, "surplus") if overflow else Offer(None, "full")


def on_return(state: TicketState, *, is_holder: bool) -> Return:
    """What a participant who comes back finds: the state of their ticket and whether they still hold it.

    A ticket that nobody took meanwhile is theirs again; after a re-issue they may finish as surplus.
    """
    if is_holder:
        return "finished" if state == "completed" else "resume"
    return "reclaim" if state == "released" else "surplus"
