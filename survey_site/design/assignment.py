"""Who sees which picture under which condition, and where: the plan of a numbered ticket.

Plain data in, plain data out: a plan depends on the design and the ticket's number alone, so it can be
recomputed from a sealed protocol at any time. docs/study-design.md explains the scheme.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import gcd, lcm

from survey_site.design.design import Design, DesignError, Group, Id, TaskPlan
from survey_site.design.latin_square import Cell, Square
from survey_site.design.seeded import below, permutation

__all__ = ["Design", "DesignError", "Id", "PlannedMap", "PlannedTrial", "exposed", "plan"]

PRACTICE = "practice"


@dataclass(frozen=True, slots=True)
class PlannedMap:
    """One of the maps of a trial that shows several: under which column and condition, of which explained class.

    rank: 0 the predicted class, 1 the network's second choice …
    """

    column: int
    condition: Id
    variant_index: int
    rank: int


@dataclass(frozen=True, slots=True)
class PlannedTrial:
    """One presentation. `position` counts from 0 over the whole session, practice and checks included.

    block: `practice`, or the task's name. column: index of the table column; None for practice and checks, which count
    nowhere. condition: the variant shown; None where the original itself stands in for the map.
    pool: stimuli in display order, `target_position` the place in it of the target, or of the other image of its class that
    stands for it; empty and None where the target is alone. expected: the answer that an instructed check asks for.
    probability: chance that a participant with a random ticket gets this stimulus in this role under this condition; 1
    for practice and checks.
    maps: of a trial that shows several, all of them in display order; `first` is the place of the one that `column`
    and `condition` describe.
    """

    block: str
    task: str
    position: int
    target: Id
    column: int | None = None
    condition: Id | None = None
    variant_index: int | None = None
    pool_index: int | None = None
    pool: Group = ()
    target_position: int | None = None
    attention_check: bool = False
    expected: int | None = None
    probability: float = 1.0
    maps: tuple[PlannedMap, ...] = ()
    first: int = 0


def plan(design: Design, ticket: int) -> tuple[PlannedTrial, ...]:
    """The trials of a ticket in the order shown: of each task its practice, then its counted trials and checks."""
    if ticket < 0:
        raise ValueError(f"Tickets are numbered from 0; got {ticket}.")
    trials: list[PlannedTrial] = []
    for task in design.tasks:
        trials += _practice(design, task, ticket)
        trials += _with_checks(
            design, task, ticket, _scored(design, task, ticket), _checks(design, task, ticket)
        )
    return tuple(replace(trial, position=position) for position, trial in enumerate(trials))


def exposed(trials: Sequence[PlannedTrial]) -> frozenset[Id]:
    """All stimuli that the trials show in any role: map, original or distractor."""
    return frozenset(stimulus for trial in trials for stimulus in (trial.target, *trial.pool))


def _variant(
    columns: Sequence[Group], square: Square, cell: Cell, column: int, ticket: int, targets: int
) -> int:
    """Which of its column's conditions a cell shows.

    Ticket after ticket a column deals its conditions in turn, so that their totals differ by at most one.
    From square to square the turn of each cell moves on by one whatever the divisibility, so that every
    item meets every condition, and, by `extra`, every condition meets every target.
    """
    variants = len(columns[column])
    extra = cell.cycle // lcm(targets, variants)
    turn = (cell.cycle + extra) % variants
    per_ticket = -(-square.trials // square.columns)
    per_square = per_ticket * square.period
    orbit = variants // gcd(per_square, variants)
    row = ticket % square.period
    dealt = per_ticket * row + cell.slot // square.columns
    return (dealt + per_square * turn + turn // orbit) % variants


def _scored(design: Design, task: TaskPlan, ticket: int) -> list[PlannedTrial]:
    """The counted trials of a ticket in one task, in their order."""
    square, size, shown = design.square(task), task.targets, design.shown(task)
    columns = [design.columns[index] for index in shown]
    positions = square.positions(ticket, design.seed, "order", task.task)
    # Each place holds the target equally often (±1) for a participant and, over a window, for an item.
    window, rotation = divmod(ticket, square.columns)
    places = permutation(square.trials, design.seed, "answer position", *task.salt, window)
    trials = []
    for cell in square.cells(ticket):
        variant = _variant(columns, square, cell, cell.column, ticket, size)
        variants = len(columns[cell.column])
        planned = PlannedTrial(
            block=task.task,
            task=task.task,
            position=positions[cell.slot],
            target=task.items[cell.item][cell.turn % size],
            pool_index=cell.item if task.pooled else None,
            column=shown[cell.column],
            condition=columns[cell.column][variant],
            variant_index=variant,
            probability=square.trials / (square.items * square.columns * variants * size),
        )
        if task.pooled:
            planned = _among_its_pool(design, task, ticket, planned, places[cell.slot] + rotation)
        if len(task.ranks) > 1:
            planned = _beside_others(design, task, ticket, cell, planned, places[cell.slot] + rotation)
        trials.append(planned)
    return sorted(trials, key=lambda trial: trial.position)


def _among_its_pool(
    design: Design, task: TaskPlan, ticket: int, planned: PlannedTrial, place: int
) -> PlannedTrial:
    index = planned.pool_index or 0
    pool, place = shown_of(task, task.items[index]), place % task.group
    answer = 0 if task.exemplar else pool.index(planned.target)
    shown = _display(pool, answer, place, design.seed, "display", *task.salt, ticket, index)
    return replace(planned, pool=shown, target_position=place)


def _beside_others(
    design: Design, task: TaskPlan, ticket: int, cell: Cell, planned: PlannedTrial, place: int
) -> PlannedTrial:
    """Further maps of the same image, each under another column; a column meets all others in turn, equally often.

    Where the task shows its maps together all stand under the trial's own condition.
    """
    number, shown = len(task.ranks), design.shown(task)
    key: tuple[str | int, ...] = (design.seed, "beside", *task.salt, ticket, cell.item)
    maps = []
    if task.together:
        maps = [_of_its_own(planned, rank) for rank in task.ranks]
    else:
        columns = [design.columns[index] for index in shown]
        others = _in_turn(design.square(task), cell, ticket)
        for rank, column in zip(task.ranks, [cell.column, *others], strict=False):
            variant = _variant(columns, design.square(task), cell, column, ticket, 1)
            maps.append(PlannedMap(shown[column], columns[column][variant], variant, rank))
    first = place % number
    rest = [1 + index for index in permutation(number - 1, *key, "order")]
    order = [*rest[:first], 0, *rest[first:]]
    return replace(planned, maps=tuple(maps[index] for index in order), first=first)


def shown_of(task: TaskPlan, group: Group) -> Group:
    """The candidates of a group: all of it, or all but the target for which its exemplar stands."""
    return group[1:] if task.exemplar else group


def _in_turn(square: Square, cell: Cell, ticket: int) -> list[int]:
    """The other columns, beginning with another one at each round of a ticket, each window, and each square."""
    window = ticket // square.columns
    turn = cell.slot // square.columns + window + window // square.windows
    rest = max(square.columns - 1, 1)
    return [(cell.column + 1 + (turn + step) % rest) % square.columns for step in range(square.columns - 1)]


def _of_its_own(planned: PlannedTrial, rank: int) -> PlannedMap:
    """A map of another class under the trial's own column and condition."""
    assert planned.column is not None and planned.condition is not None
    return PlannedMap(planned.column, planned.condition, planned.variant_index or 0, rank)


def _display(pool: Group, target: int, place: int, *key: str | int) -> Group:
    """The pool in random order with its answer, the image at index `target`, at `place`."""
    others = [index for index in permutation(len(pool), *key) if index != target]
    return tuple(pool[index] for index in (*others[:place], target, *others[place:]))


def _practice(design: Design, task: TaskPlan, ticket: int) -> list[PlannedTrial]:
    """Unscored trials on reserve stimuli; their columns take turns so that none is rehearsed more."""
    return [
        _reserve(design, task, ticket, PRACTICE, index, group) for index, group in enumerate(task.practice)
    ]


def _checks(design: Design, task: TaskPlan, ticket: int) -> list[PlannedTrial]:
    """Unambiguous trials: the page names the answer to give, drawn anew for each ticket and check, or the original
    itself is shown where the map would be."""
    planned = [
        _reserve(design, task, ticket, "check", index, group) for index, group in enumerate(task.checks)
    ]
    key: tuple[str | int, ...] = ("instructed", *task.salt, ticket)
    return [
        replace(trial, attention_check=True, expected=below(task.instructed, design.seed, *key, index))
        if task.instructed
        else replace(trial, attention_check=True, condition=None)
        for index, trial in enumerate(planned)
    ]


def _reserve(
    design: Design, task: TaskPlan, ticket: int, role: str, index: int, group: Group
) -> PlannedTrial:
    key = (design.seed, role, task.task, ticket, index)
    shown = design.shown(task)
    column = shown[(ticket + index) % len(shown)]
    conditions = design.columns[column]
    condition = conditions[below(len(conditions), *key, "variant")]
    block = PRACTICE if role == PRACTICE else task.task
    planned = PlannedTrial(block, task.task, 0, group[0], condition=condition)
    if task.pooled:
        candidates = shown_of(task, group)
        answer = 0 if task.exemplar else below(len(group), *key, "target")
        place = below(len(candidates), *key, "place")
        target = group[0] if task.exemplar else group[answer]
        pool = _display(candidates, answer, place, *key)
        planned = replace(planned, target=target, pool=pool, target_position=place)
    if len(task.ranks) > 1:
        planned = _reserve_maps(design, task, planned, column, key)
    return planned


def _reserve_maps(
    design: Design, task: TaskPlan, planned: PlannedTrial, column: int, key: tuple[str | int, ...]
) -> PlannedTrial:
    number, shown = len(task.ranks), design.shown(task)
    maps = []
    for step, rank in enumerate(task.ranks):
        place = column if task.together else shown[(shown.index(column) + step) % len(shown)]
        conditions = design.columns[place]
        own = planned.condition if place == column else None
        variant = 0 if own is None else conditions.index(own)
        maps.append(PlannedMap(place, conditions[variant], variant, rank))
    order = permutation(number, *key, "maps")
    return replace(planned, maps=tuple(maps[index] for index in order), first=order.index(0))


def _with_checks(
    design: Design, task: TaskPlan, ticket: int, scored: list[PlannedTrial], checks: list[PlannedTrial]
) -> list[PlannedTrial]:
    """The block with its checks spread evenly, one per stretch of scored trials, never first.

    The tickets of a window share the places of their checks: position × column stays exactly balanced.
    """
    window = ticket // len(design.shown(task))
    trials = list(scored)
    for index, check in reversed(list(enumerate(checks))):
        start, stop = (len(scored) * (index + step) // len(checks) for step in (0, 1))
        start = max(start, 1)
        place = start + below(max(stop - start, 1), design.seed, "check place", task.task, window, index)
        trials.insert(place, check)
    return trials
