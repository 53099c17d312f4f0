"""The cyclic Latin square that gives items and columns to numbered tickets.

Symbols: K table columns, I items (pools for matching, images for rating), T trials of a participant,
n ticket, w = n // K window, r = n % K rotation. docs/study-design.md derives the bounds.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import gcd

from survey_site.design.seeded import permutation


@dataclass(frozen=True, slots=True)
class Cell:
    """One scored trial before it gets a place on the screen."""

    slot: int
    item: int
    column: int
    turn: int  # how often this (item, column) cell came up before: turns its targets and variants
    cycle: int  # full squares before this one


@dataclass(frozen=True, slots=True)
class Square:
    """The cyclic Latin square of one task; T ≤ I, and at best K | T and T | I."""

    columns: int
    items: int
    trials: int

    @property
    def windows(self) -> int:
        """Windows of T consecutive items after which every item was visited equally often: I / gcd(T, I)."""
        return self.items // gcd(self.trials, self.items) if self.trials else 1

    @property
    def period(self) -> int:
        """Tickets after which all (item, column) cells are equal: K · I / gcd(T, I)."""
        return self.columns * self.windows if self.trials else 1

    def cell_range(self, tickets: int) -> int:
        """Bound on max − min of the (item, column) counts over the tickets 0..tickets − 1."""
        if tickets % self.period == 0:
            return 0
        return 1 if self.items % self.trials == 0 or tickets % self.columns == 0 else 2

    def column_range(self) -> int:
        """Bound on the difference between two columns' trials of one participant: 0 where K | T, else 1."""
        return int(self.trials % self.columns != 0)

    def cells(self, ticket: int) -> Iterator[Cell]:
        """The trials of a ticket: distinct items, each column ⌊T/K⌋ or ⌈T/K⌉ times."""
        if not self.trials:
            return
        window, rotation = divmod(ticket, self.columns)
        per_cycle = self.trials // gcd(self.trials, self.items)
        for slot in range(self.trials):
            visit, index = divmod(window * self.trials + slot, self.items)
            cycle, phase = divmod(visit, per_cycle)
            if self.items % self.trials == 0:
                index = window % self.windows + self.windows * slot
            yield Cell(slot, index, (slot + rotation) % self.columns, cycle + phase, cycle)

    def positions(self, ticket: int, *key: str | int) -> list[int]:
        """Place of each slot in the block's order, a permutation of 0..T − 1.

        One random permutation for the K tickets of a window, rotated by 2r (modulo K) from ticket to
        ticket: over the window every place then holds every column once, and an item wanders through
        the block instead of keeping one place. The rotation needs K | T; without it, it is left out.
        """
        window, rotation = divmod(ticket, self.columns)
        order = permutation(self.trials, *key, window)
        shift = 0
        if self.trials % self.columns == 0:
            stride = self.trials // self.columns
            shift = 2 * rotation % self.columns + self.columns * (rotation * stride // self.columns)
        return [order[(slot + shift) % self.trials] for slot in range(self.trials)]
