"""What sequential stopping keeps and saves, by simulation with a known truth: python -m benchmarks.sequential

10,000 studies per row (some minutes on one core), crossed participants and images as in `python -m benchmarks.power`, six
columns of four trials each, looks after 12, 18, 24, 30 and 36 participants (`--looks`), or after those that the row names.
Each study is judged by the two-way t and the boundaries of the report. Rejects: share of studies that find a contrast (no
effect: the size; family: any true null, and for the power all five). Fixed: the smallest number of participants with which
a study without looks rejects as often, in the same simulated studies; planned: the same for the effect that the study was
planned for. Coverage of the corrected 95 % interval; below: share of median-unbiased estimates under the truth.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np

from benchmarks.sequential_parts import Contrasts, studies
from survey_site.statistics.boundaries import bounds, nominal
from survey_site.statistics.factor import BoolArray, FloatArray, IntArray
from survey_site.statistics.power import Plan
from survey_site.statistics.published import REFERENCE, TABLE_1
from survey_site.statistics.sequential import Stops, limits, stopped
from survey_site.statistics.stopping import OBRIEN_FLEMING, POCOCK

ALPHA, TRIALS = 0.05, 4
LOOKS = (12, 18, 24, 30, 36)
FEW = (4, 6, 8)  # for an effect as large as the paper's on the index, which seven people find
FIXED = tuple(range(6, 61, 2))
AT_ONCE = 500
FAITH = {row.column: int(row.faith) / 100 for row in TABLE_1}
INDEX = {row.column: float(row.mean_rating) for row in TABLE_1}
LAST = TABLE_1[-1].column  # the smallest effect on faith


@dataclass(frozen=True)
class Scenario:
    """A truth, and what stops the study: the contrast of one column, or (`None`) all of them."""

    measure: str
    truth: str
    effects: dict[str, float]
    column: str | None = LAST
    scale: tuple[float, float] | None = None
    looks: tuple[int, ...] = LOOKS

    @property
    def sizes(self) -> list[int]:
        """Participants of the studies without looks, and of the looks."""
        return list(range(FEW[0], FEW[-1] + 1)) if self.looks == FEW else sorted({*self.looks, *FIXED})

    @property
    def fractions(self) -> list[float]:
        """Of the target, at each look."""
        return [n / self.looks[-1] for n in self.looks]

    @property
    def chosen(self) -> list[int]:
        """The contrasts of the rule, by their place."""
        names = [name for name in self.effects if name != REFERENCE]
        return [names.index(self.column)] if self.column else list(range(len(names)))

    @property
    def nulls(self) -> list[bool]:
        """Of each contrast, whether there is nothing to find."""
        base = self.effects[REFERENCE]
        return [value == base for name, value in self.effects.items() if name != REFERENCE]

    @property
    def true_differences(self) -> FloatArray:
        """Of each contrast, on the scale of the scores."""
        base = self.effects[REFERENCE]
        return np.array([value - base for name, value in self.effects.items() if name != REFERENCE])


def same(values: dict[str, float], **changed: float) -> dict[str, float]:
    """All columns at the reference's value but the changed ones."""
    return {name: changed.get(name, values[REFERENCE]) for name in values}


SCENARIOS = (
    Scenario("faith", "none", same(FAITH)),
    Scenario("faith", "planned, 73 against 48 %", same(FAITH, **{LAST: 0.73})),
    Scenario("faith", "paper, 76 against 48 %", FAITH),
    Scenario("faith", "none", same(FAITH), column=None),
    Scenario("faith", f"paper, but none of {LAST}", FAITH | {LAST: FAITH[REFERENCE]}, column=None),
    Scenario("faith", "paper, all five", FAITH, column=None),
    Scenario("index", "none", same(INDEX), scale=(0, 6)),
    Scenario("index", "planned, 1.72 against 1.02", same(INDEX, **{LAST: 1.72}), scale=(0, 6)),
    Scenario("index", "paper, 3.30 against 1.02", INDEX, scale=(0, 6)),
    Scenario("index", "none; looks after 4, 6, 8", same(INDEX), scale=(0, 6), looks=FEW),
    Scenario("index", "paper, 3.30 against 1.02; looks after 4, 6, 8", INDEX, scale=(0, 6), looks=FEW),
)


@dataclass(frozen=True)
class Row:
    """What a scenario came to under one spending function; shares 0..1."""

    rejects: float
    participants: float
    fixed: float | None
    coverage: float
    below: float


def simulated(scenario: Scenario, repetitions: int, seed: int) -> tuple[Contrasts, list[int]]:
    """The studies at all numbers of participants that are asked about."""
    sizes = scenario.sizes
    plan = Plan(scenario.effects, sizes[-1], TRIALS, scale=scenario.scale)
    rng = np.random.default_rng(seed)
    parts = [
        studies(plan, sizes, min(AT_ONCE, repetitions - done), rng) for done in range(0, repetitions, AT_ONCE)
    ]
    whole = parts[0]
    if len(parts) > 1:
        whole = Contrasts(
            np.concatenate([part.difference for part in parts]),
            np.concatenate([part.variance for part in parts]),
            whole.df,
        )
    return whole, sizes


def judged(scenario: Scenario, whole: Contrasts, sizes: list[int], spending: str) -> Row:
    """The studies under the sealed rule, and without looks."""
    chosen = scenario.chosen
    at = [sizes.index(n) for n in scenario.looks]
    data = Contrasts(whole.difference[:, at][:, :, chosen], whole.variance[:, at][:, :, chosen], whole.df[at])
    rejected, stage = stopped(data.p, spending, ALPHA, scenario.fractions)
    nulls = np.array(scenario.nulls)[chosen]
    found = rejected[:, nulls].any(1) if nulls.any() else rejected.all(1)
    fixed = None
    if not nulls.any():
        powers = [holm_all(whole.p[:, place][:, chosen]).mean() for place in range(len(sizes))]
        enough = [n for n, power in zip(sizes, powers, strict=True) if power >= found.mean()]
        fixed = float(min(enough, default=np.inf))
    covered, below = zip(
        *(_estimated(scenario, data, k, stage, spending) for k in range(len(chosen))),
        strict=True,
    )
    n = np.array(scenario.looks)[stage].mean()
    return Row(float(found.mean()), float(n), fixed, min(covered), max(below, key=lambda b: abs(b - 0.5)))


def holm_all(p: FloatArray) -> BoolArray:
    """p (R, m): whether Holm rejects all."""
    m = p.shape[1]
    return np.asarray((np.sort(p, axis=1) <= ALPHA / np.arange(m, 0, -1)).all(1))


def _estimated(
    scenario: Scenario, data: Contrasts, k: int, stage: IntArray, spending: str
) -> tuple[float, float]:
    """Coverage, and the share of estimates below the truth, of contrast k: where its own share of α stopped it first."""
    m, looks = data.difference.shape[2], len(scenario.looks)
    truth = scenario.true_differences[scenario.chosen[k]]
    bound = bounds(spending, ALPHA / m, scenario.fractions)
    over = data.p[:, :, k] <= nominal(bound)
    first = np.where(over.any(1), over.argmax(1), looks)
    own = np.minimum(first, stage)
    share = np.full(len(own), np.nan)
    for s in range(looks):
        rows = np.flatnonzero((own == s) & (data.variance[:, s, k] > 0))
        for part in np.array_split(rows, max(len(rows) // AT_ONCE, 1)):
            with np.errstate(divide="ignore"):
                stop = Stops(
                    data.difference[part, s, k],
                    data.variance[part, : s + 1, k],
                    np.full(len(part), data.df[s]),
                    limits(bound[:s], data.df[:s]),
                )
                share[part] = stop.at_least(np.full(len(part), truth))
    inside = (share >= ALPHA / 2) & (share <= 1 - ALPHA / 2)
    return float(inside.mean()), float((share > 0.5).mean())


def line(scenario: Scenario, spending: str, row: Row, planned: float | None) -> str:
    """One row of the table; planned: participants of the study without looks that the planned effect would need."""
    rule = f"{scenario.column} alone" if scenario.column else "all five"
    return (
        f"| {scenario.measure} | {rule} | {scenario.truth} | {spending} | {row.rejects:.4f} | {row.participants:.1f} | "
        f"{_fewer(row, row.fixed)} | {_fewer(row, planned)} | {row.coverage:.3f} | {row.below:.3f} |"
    )


def _fewer(row: Row, fixed: float | None) -> str:
    if fixed is None:
        return ""
    least = min(fixed, FIXED[-1])
    fewer = 1 - row.participants / least
    word = "fewer" if fewer >= 0 else "more"
    return f"{'> ' if fixed > least else ''}{least:.0f}: {100 * abs(fewer):.0f} % {word}"


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table of docs/statistics.md, section 8."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=10_000, help="simulated studies per row")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--measure", choices=("faith", "index"), help="its rows alone")
    parser.add_argument(
        "--looks",
        type=lambda text: tuple(map(int, text.split(","))),
        default=LOOKS,
        help="participants, 12,18,24",
    )
    arguments = parser.parse_args(argv)
    error = sqrt(ALPHA * (1 - ALPHA) / arguments.repetitions)
    say = sys.stdout.write
    say(f"{arguments.repetitions} studies a row; two standard errors at 5 %: {2 * error:.4f}\n\n")
    heads = (
        "measure",
        "stops",
        "effect",
        "spending",
        "rejects",
        "participants",
        "fixed",
        "planned",
        "coverage",
        "below",
    )
    say("| " + " | ".join(heads) + " |\n" + "|---" * len(heads) + "|\n")
    planned: dict[tuple[str, str], float | None] = {}
    asked = [one for one in SCENARIOS if arguments.measure in (None, one.measure)]
    for scenario in (one if one.looks == FEW else replace(one, looks=arguments.looks) for one in asked):
        whole, sizes = simulated(scenario, arguments.repetitions, arguments.seed)
        for spending in (OBRIEN_FLEMING, POCOCK):
            row, key = judged(scenario, whole, sizes, spending), (scenario.measure, spending)
            if scenario.truth.startswith("planned"):
                planned[key] = row.fixed
            paper = scenario.truth.startswith("paper") and row.fixed is not None and scenario.looks != FEW
            say(line(scenario, spending, row, planned.get(key) if paper else None) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
