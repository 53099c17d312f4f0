"""Designs for the tests of assignment: hypothesis strategies and a naive second implementation."""

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from hypothesis import strategies as st

from survey_site.design.assignment import Design, Id, PlannedTrial, plan
from survey_site.design.design import TaskPlan
from survey_site.design.latin_square import Square


def build(
    columns: int,
    pools: int = 0,
    size: int = 4,
    matching: int = 0,
    images: int = 0,
    rating: int = 0,
    variants: Iterable[int] = (),
    seed: str = "seed",
    reserve: int = 0,
) -> Design:
    """A design with stimuli named after their pool, conditions after their column."""
    counts = [*variants, *[1] * columns][:columns]
    return Design(
        seed=seed,
        columns=tuple(tuple(f"c{c}v{v}" for v in range(count)) for c, count in enumerate(counts)),
        tasks=(
            TaskPlan(
                "matching",
                matching,
                items=tuple(tuple(f"p{p}s{s}" for s in range(size)) for p in range(pools)),
                practice=tuple(tuple(f"pp{p}s{s}" for s in range(size)) for p in range(reserve)),
                checks=tuple(tuple(f"cp{p}s{s}" for s in range(size)) for p in range(reserve)),
                fresh=True,
                unit="pools",
            ),
            TaskPlan(
                "rating",
                rating,
                items=tuple((f"r{i}",) for i in range(images)),
                practice=tuple((f"pr{i}",) for i in range(reserve)),
                checks=tuple((f"cr{i}",) for i in range(reserve)),
                instructed=7,
            ),
        ),
    )


def with_task(design: Design, name: str, **changes: object) -> Design:
    """The design with another plan of one task."""
    return replace(design, tasks=tuple(replace(t, **changes) if t.task == name else t for t in design.tasks))


def pools(design: Design) -> tuple[tuple[Id, ...], ...]:
    """The groups of the task on pools."""
    return design.task("matching").items


def square(design: Design, task: str = "matching") -> Square:
    """The Latin square of a task."""
    return design.square(design.task(task))


@st.composite
def any_design(draw: st.DrawFn) -> Design:
    """Designs of every divisibility, also where K ∤ T and T ∤ I."""
    columns = draw(st.integers(1, 7))
    pools, images = draw(st.integers(1, 14)), draw(st.integers(1, 14))
    return build(
        columns,
        pools=pools,
        size=draw(st.integers(2, 5)),
        matching=draw(st.integers(1, pools)),
        images=images,
        rating=draw(st.integers(0, images)),
        variants=draw(st.lists(st.integers(1, 4), min_size=columns, max_size=columns)),
        seed=draw(st.text(max_size=8)),
        reserve=draw(st.integers(0, 2)),
    )


@st.composite
def divisible_design(draw: st.DrawFn) -> Design:
    """Designs with K | T and T | I, for which the strictest guarantees hold."""
    columns, stride, groups = draw(st.integers(1, 6)), draw(st.integers(1, 3)), draw(st.integers(1, 3))
    trials = columns * stride
    return build(
        columns,
        pools=trials * groups,
        size=draw(st.integers(2, 5)),
        matching=trials,
        images=trials * groups,
        rating=trials,
        variants=draw(st.lists(st.integers(1, 4), min_size=columns, max_size=columns)),
        seed=draw(st.text(max_size=8)),
    )


def scored(design: Design, tickets: Iterable[int], task: str = "matching") -> list[PlannedTrial]:
    """The trials of these tickets that count."""
    return [
        trial
        for ticket in tickets
        for trial in plan(design, ticket)
        if trial.task == task and trial.column is not None
    ]


def spread(counts: Counter, cells: Iterable) -> int:
    """max − min of the counts over all cells, absent ones included."""
    values = [counts[cell] for cell in cells]
    return max(values) - min(values)


def item_of(design: Design, trial: PlannedTrial) -> int:
    return (
        trial.pool_index if trial.task == "matching" else design.task("rating").items.index((trial.target,))
    )


def cell_range(design: Design, tickets: Iterable[int], task: str = "matching") -> int:
    """Range of the (item, column) counts over these tickets."""
    counts = Counter((item_of(design, trial), trial.column) for trial in scored(design, tickets, task))
    items = len(design.task(task).items)
    return spread(counts, [(i, c) for i in range(items) for c in range(len(design.columns))])


def independent_draws(design: Design, participants: int, rng: random.Random) -> tuple[Counter, int]:
    """What a form tool does: a random pool and a random column for every trial.

    Returns the counts per (pool, column) and the number of participants who met a pool twice.
    """
    counts: Counter = Counter()
    repeats = 0
    for _ in range(participants):
        met = [rng.randrange(len(pools(design))) for _ in range(square(design).trials)]
        repeats += len(set(met)) < len(met)
        counts.update((pool, rng.randrange(len(design.columns))) for pool in met)
    return counts, repeats
