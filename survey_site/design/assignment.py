"""Who sees which picture under which condition, and where: the plan of a numbered ticket.

Plain data in, plain data out: a plan depends on the design and the ticket's number alone, so it can be
recomputed from a sealed protocol at any time. docs/study-design.md explains the scheme.
"""

from dataclasses import dataclass, replace
from math import gcd, lcm
from typing import Literal

from survey_site.design.design import Design, DesignError, Id
from survey_site.design.latin_square import Cell, Square
from survey_site.design.seeded import below, permutation

__all__ = ["Design", "DesignError", "Id", "PlannedTrial", "exposed", "plan"]

Block = Literal["practice", "matching", "rating"]
Task = Literal["matching", "rating"]


@dataclass(frozen=True, slots=True)
class PlannedTrial:
    """One presentation. `position` counts from 0 over the whole session, practice and checks included.

    column: index of the table column; None for practice and checks, which count nowhere.
    condition: the variant shown; None where the original itself stands in for the map.
    pool: stimuli in display order, `target_position` the target's place in it; empty and None for ratings.
    probability: chance that a participant with a random ticket gets this stimulus in this role under this
    condition; 1 for practice and checks.
    """

    block: Block
    task: Task
    position: int
    target: Id
    column: int | None = None
    condition: Id | None = None
    variant_index: int | None = None
    pool_index: int | None = None
    pool: tuple[Id, ...] = ()
    target_position: int | None = None
    attention_check: bool = False
    expected_rating: int | None = None
    probability: float = 1.0


def plan(design: Design, ticket: int) -> tuple[PlannedTrial, ...]:
    """The trials of a ticket in the order shown: practice, matching, practice for rating, rating."""
    if ticket < 0:
        raise ValueError(f"Tickets are numbered from 0; got {ticket}.")
    trials = (
        *_practice(design, ticket, "matching"),
        *_with_checks(design, ticket, "matching", _matching(design, ticket), _check_matching(design, ticket)),
        *_practice(design, ticket, "rating"),
        *_with_checks(design, ticket, "rating", _rating(design, ticket), _check_rating(design, ticket)),
    )
    return tuple(replace(trial, position=position) for position, trial in enumerate(trials))


def exposed(trials: tuple[PlannedTrial, ...]) -> frozenset[Id]:
    """All stimuli that the trials show in any role: map, original or distractor."""
    return frozenset(stimulus for trial in trials for stimulus in (trial.target, *trial.pool))


def _variant(design: Design, square: Square, cell: Cell, ticket: int, targets: int) -> int:
    """Which of its column's conditions a cell shows.

    Ticket after ticket a column deals its conditions in turn, so that their totals differ by at most one.
    From square to square the turn of each cell moves on by one whatever the divisibility, so that every
    item meets every condition, and, by `extra`, every condition meets every target.
    """
    variants = len(design.columns[cell.column])
    extra = cell.cycle // lcm(targets, variants)
    turn = (cell.cycle + extra) % variants
    per_ticket = -(-square.trials // square.columns)
    per_square = per_ticket * square.period
    orbit = variants // gcd(per_square, variants)
    row = ticket % square.period
    dealt = per_ticket * row + cell.slot // square.columns
    return (dealt + per_square * turn + turn // orbit) % variants


def _matching(design: Design, ticket: int) -> list[PlannedTrial]:
    square, size = design.matching_square, design.pool_size
    window, rotation = divmod(ticket, square.columns)
    positions = square.positions(ticket, design.seed, "order", "matching")
    # Each display position holds the target equally often (±1) for a participant and, over a window, for a pool.
    places = permutation(square.trials, design.seed, "answer position", window)
    trials = []
    for cell in square.cells(ticket):
        variant = _variant(design, square, cell, ticket, size)
        target = cell.turn % size
        place = (places[cell.slot] + rotation) % size
        shown = _display(design.pools[cell.item], target, place, design.seed, "display", ticket, cell.item)
        trials.append(
            PlannedTrial(
                block="matching",
                task="matching",
                position=positions[cell.slot],
                target=design.pools[cell.item][target],
                column=cell.column,
                condition=design.columns[cell.column][variant],
                variant_index=variant,
                pool_index=cell.item,
                pool=shown,
                target_position=place,
                probability=_probability(square, len(design.columns[cell.column]), size),
            )
        )
    return sorted(trials, key=lambda trial: trial.position)


def _rating(design: Design, ticket: int) -> list[PlannedTrial]:
    square = design.rating_square
    positions = square.positions(ticket, design.seed, "order", "rating")
    trials = []
    for cell in square.cells(ticket):
        variant = _variant(design, square, cell, ticket, 1)
        trials.append(
            PlannedTrial(
                block="rating",
                task="rating",
                position=positions[cell.slot],
                target=design.rating[cell.item],
                column=cell.column,
                condition=design.columns[cell.column][variant],
                variant_index=variant,
                probability=_probability(square, len(design.columns[cell.column]), 1),
            )
        )
    return sorted(trials, key=lambda trial: trial.position)


def _probability(square: Square, variants: int, targets: int) -> float:
    return square.trials / (square.items * square.columns * variants * targets)


def _display(pool: tuple[Id, ...], target: int, place: int, *key: str | int) -> tuple[Id, ...]:
    """The pool in random order with its target at `place`."""
    others = [index for index in permutation(len(pool), *key) if index != target]
    return tuple(pool[index] for index in (*others[:place], target, *others[place:]))


def _practice(design: Design, ticket: int, task: Task) -> list[PlannedTrial]:
    """Unscored trials on reserve stimuli; their columns take turns so that none is rehearsed more."""
    stimuli = design.practice_pools if task == "matching" else design.practice_ratings
    return [
        replace(_reserve(design, ticket, task, "practice", index), block="practice")
        for index in range(len(stimuli))
    ]


def _check_matching(design: Design, ticket: int) -> list[PlannedTrial]:
    """Unambiguous matching trials: the original itself is shown where the map would be."""
    return [
        replace(_reserve(design, ticket, "matching", "check", index), attention_check=True, condition=None)
        for index in range(len(design.check_pools))
    ]


def _check_rating(design: Design, ticket: int) -> list[PlannedTrial]:
    """Instructed ratings: the page names the rating to give, drawn anew for each ticket and check."""
    return [
        replace(
            _reserve(design, ticket, "rating", "check", index),
            attention_check=True,
            expected_rating=below(design.rating_levels, design.seed, "instructed", ticket, index),
        )
        for index in range(len(design.check_ratings))
    ]


def _reserve(design: Design, ticket: int, task: Task, role: str, index: int) -> PlannedTrial:
    key = (design.seed, role, task, ticket, index)
    column = design.columns[(ticket + index) % len(design.columns)]
    condition = column[below(len(column), *key, "variant")]
    if task == "rating":
        stimuli = design.practice_ratings if role == "practice" else design.check_ratings
        return PlannedTrial("rating", task, 0, stimuli[index], condition=condition)
    pool = (design.practice_pools if role == "practice" else design.check_pools)[index]
    target, place = below(len(pool), *key, "target"), below(len(pool), *key, "place")
    shown = _display(pool, target, place, *key)
    return PlannedTrial(
        "matching", task, 0, pool[target], condition=condition, pool=shown, target_position=place
    )


def _with_checks(
    design: Design, ticket: int, block: Block, scored: list[PlannedTrial], checks: list[PlannedTrial]
) -> list[PlannedTrial]:
    """The block with its checks spread evenly, one per stretch of scored trials, never first.

    The tickets of a window share the places of their checks: position × column stays exactly balanced.
    """
    window = ticket // len(design.columns)
    trials = list(scored)
    for index, check in reversed(list(enumerate(checks))):
        start, stop = (len(scored) * (index + step) // len(checks) for step in (0, 1))
        start = max(start, 1)
        place = start + below(max(stop - start, 1), design.seed, "check place", block, window, index)
        trials.insert(place, check)
    return trials
