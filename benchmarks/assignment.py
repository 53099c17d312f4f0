"""What numbered tickets are worth: balance under drop-out beside four other policies, and the time of a plan.

    python -m benchmarks.assignment [--repetitions 300]

The figures of docs/study-design.md come from here: balance, elimination, what the presets need.
"""

import argparse
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from statistics import mean

from survey_site.design.assignment import Design, plan
from survey_site.design.design import TaskPlan
from survey_site.design.feasibility import assess
from survey_site.design.presets import PRESETS, Preset
from survey_site.design.spec import ColumnSpec, Rules, Spec
from survey_site.statistics.plan import FEW_ITEMS
from survey_site.tasks import registry
from survey_site.trials.tickets import offer

COLUMNS, ITEMS = 8, 24
CONCURRENT, DROP_OUT = 5, 0.3

RULES = Rules(few_items=FEW_ITEMS)

TASKS = registry.load(("survey_site.tasks.matching", "survey_site.tasks.rating"))
Session = list[tuple[int, int]]  # (item, column) of each trial


def design() -> Design:
    return Design(
        seed="benchmark",
        columns=tuple((f"column {c}",) for c in range(COLUMNS)),
        tasks=(
            TaskPlan(
                "matching",
                ITEMS,
                items=tuple((f"{p}a", f"{p}b", f"{p}c", f"{p}d") for p in range(ITEMS)),
                fresh=True,
            ),
        ),
    )


PLANS = {
    ticket: [(t.pool_index or 0, t.column or 0) for t in plan(design(), ticket)] for ticket in range(400)
}


def independent(rng: random.Random) -> Session:
    """A random image and a random column for every trial."""
    return [(rng.randrange(ITEMS), rng.randrange(COLUMNS)) for _ in range(ITEMS)]


def random_column_per_image(rng: random.Random) -> Session:
    """Every image once, under a random column."""
    return [(item, rng.randrange(COLUMNS)) for item in range(ITEMS)]


def shuffled_equal_counts(rng: random.Random) -> Session:
    """Every image once, every column equally often, shuffled."""
    columns = [item % COLUMNS for item in range(ITEMS)]
    rng.shuffle(columns)
    return list(enumerate(columns))


def run(policy: str, participants: int, rng: random.Random) -> Iterator[tuple[str, Session]]:
    """Sessions in the order in which they end, each "completed" or "dropped", until enough have completed."""
    working: list[tuple[int, Session]] = []
    released: list[int] = []
    issued = completed = 0
    while completed < participants:
        while len(working) < CONCURRENT:
            if policy == "tickets":
                free = offer(lowest_released=min(released, default=None), issued=issued, quota=participants)
                if free.ticket is None:
                    break
                if free.reason == "released":
                    released.remove(free.ticket)
                number = free.ticket
            else:
                number = issued
            issued = max(issued, number + 1)
            working.append((number, _session(policy, number, rng)))
        number, session = working.pop(rng.randrange(len(working)))
        if rng.random() < DROP_OUT:
            released.append(number)
            yield "dropped", session[: rng.randrange(len(session))]
        else:
            completed += 1
            yield "completed", session


DRAWS: dict[str, Callable[[random.Random], Session]] = {
    "independent draws": independent,
    "random column per image": random_column_per_image,
    "shuffled equal counts": shuffled_equal_counts,
}
POLICIES = (*DRAWS, "cyclic, no re-issue", "tickets")


def _session(policy: str, number: int, rng: random.Random) -> Session:
    return DRAWS[policy](rng) if policy in DRAWS else PLANS[number]


def spread(counts: Counter[tuple[int, int]]) -> int:
    values = [counts[item, column] for item in range(ITEMS) for column in range(COLUMNS)]
    return max(values) - min(values)


def measure(policy: str, participants: int, repetitions: int) -> dict[str, list[float]]:
    """Per repetition: range of the cells of completers, the same with dropped trials, of column totals, repeats."""
    found: dict[str, list[float]] = {"cells": [], "with dropped": [], "columns": [], "repeats": []}
    for repetition in range(repetitions):
        cells: Counter[tuple[int, int]] = Counter()
        everything: Counter[tuple[int, int]] = Counter()
        shown = repeated = 0
        for state, session in run(policy, participants, random.Random(repetition)):
            everything.update(session)
            if state == "completed":
                cells.update(session)
                shown += len(session)
                repeated += len(session) - len({item for item, _ in session})
        totals = [sum(cells[item, column] for item in range(ITEMS)) for column in range(COLUMNS)]
        found["cells"].append(spread(cells))
        found["with dropped"].append(spread(everything))
        found["columns"].append(max(totals) - min(totals))
        found["repeats"].append(repeated / shown)
    return found


def spec_of(preset: Preset) -> Spec:
    names: dict[str, list[str]] = {}
    for number, condition in enumerate(preset.conditions()):
        names.setdefault(condition.column, []).append(str(number))
    return Spec(
        columns=tuple(ColumnSpec(name, tuple(conditions)) for name, conditions in names.items()),
        participants=preset.participants,
        seed="",
        rules=RULES,
        tasks=tuple(
            task.spec(task.effective(preset.tasks[task.name])) for task in TASKS if task.name in preset.tasks
        ),
        practice_trials=preset.practice_trials,
        attention_checks=preset.attention_checks,
    )


def print_presets() -> None:
    print(
        "\n| preset | participants | columns | conditions | matching + rating trials | images | reserve | minutes |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for preset in PRESETS.values():
        need = assess(spec_of(preset), [])
        print(
            f"| {preset.title} | {preset.participants} | {len(preset.columns)} | {need.conditions} | "
            f"{' + '.join(str(task.trials) for task in need.tasks)} | {need.images_needed} | {need.reserve_needed} | "
            f"{need.minutes:.0f} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repetitions", type=int, default=300)
    repetitions = parser.parse_args().repetitions
    for participants in (40, 25):
        print(
            f"\n{COLUMNS} columns, {ITEMS} items, {participants} completers, {DROP_OUT:.0%} drop-out, "
            f"{CONCURRENT} at a time, {repetitions} repetitions: mean (max)\n"
        )
        print("| policy | cell range | with dropped trials | column-total range | repeated images |")
        print("|---|---|---|---|---|")
        for policy in POLICIES:
            found = measure(policy, participants, repetitions)
            columns = " | ".join(
                f"{mean(found[name]):.1f} ({max(found[name]):.0f})"
                for name in ("cells", "with dropped", "columns")
            )
            print(f"| {policy} | {columns} | {mean(found['repeats']):.0%} |")
    print("\nRight by elimination alone, one pool seen m times (H_m / m):")
    for size in (4, 5, 6):
        print(f"  m = {size}: {sum(1 / left for left in range(1, size + 1)) / size:.0%}")
    print_presets()
    print()
    made = design()
    for ticket in (10, 10_000, 1_000_000):
        start = time.perf_counter()
        for step in range(200):
            plan(made, ticket + step)
        print(f"plan of ticket {ticket}: {(time.perf_counter() - start) * 5:.2f} ms for {ITEMS} trials")


if __name__ == "__main__":
    main()
