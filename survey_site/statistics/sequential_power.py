"""What a stopping rule does to a planned study: its power and how many participants it takes, by simulation."""

from collections.abc import Callable

import numpy as np

from survey_site.statistics.factor import FloatArray
from survey_site.statistics.power import Cells, Plan, against, column_centres, layout, p_values, simulate
from survey_site.statistics.report_types import SequentialPower
from survey_site.statistics.sequential import stopped
from survey_site.statistics.stopping import StoppingRule


def sequential_power(
    plan: Plan,
    rule: StoppingRule,
    repetitions: int,
    seed: int = 2,
    progress: Callable[[float, str], None] | None = None,
) -> SequentialPower:
    """Share of simulated studies that reach the boundary, and at which look they end. The rule's last look is the target.

    The study is that of `power`; a contrast that cannot be estimated at a look crosses nothing there.
    """
    cells, centres, rng = layout(plan), column_centres(plan), np.random.default_rng(seed)
    cells = against(cells, len(plan.effects), rng) if plan.duels else cells
    names = list(plan.effects)[1:]
    chosen = [names.index(rule.column)] if rule.column else list(range(len(names)))
    p = np.ones((repetitions, len(rule.looks), len(chosen)))
    for r in range(repetitions):
        y = simulate(plan, rng, centres, cells)
        for look, n in enumerate(rule.looks):
            found = _after(y, cells, n, len(plan.effects))
            p[r, look] = [1.0 if found[k] is None else found[k] for k in chosen]
        if progress and r % 20 == 0:
            progress(r / repetitions, f"{r} of {repetitions} simulated studies with looks")
    rejected, stage = stopped(p, rule.spending, 1 - plan.level, rule.fractions)
    counts = np.bincount(stage, minlength=len(rule.looks))
    return {
        "looks": list(rule.looks),
        "ended": (counts / repetitions).tolist(),
        "participants": float(np.array(rule.looks)[stage].mean()),
        "reached": float(rejected.all(1).mean()),
        "column": rule.column,
    }


def _after(y: FloatArray, cells: Cells, n: int, columns: int) -> list[float | None]:
    """p of every contrast among the first n participants."""
    person, item, column = cells
    first = person < n
    return p_values(y[first], (person[first], item[first], column[first]), columns)
