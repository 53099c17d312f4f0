"""Size of the tests where there are few pools or images: python -m benchmarks.few_items

Share of studies without any effect that report one at 5 % (Holm over the columns): the two-way t, which the report calls
confirmatory, and the sign-flip beside it. Crossed participants and images, σ = .7/.7, image × method .5. Two columns have
2 and 4 items, six columns 6, 12 and 24 (1, 2 and 4 trials per column).
"""

import argparse
import sys
from collections.abc import Sequence

from benchmarks.coverage_parts import SCALE, Scale, Scenario, studies
from survey_site.statistics.comparisons import holm, pair, t_test
from survey_site.statistics.resampling import sign_flip
from survey_site.statistics.uncertainty import difference

SHARE, MEAN, ALPHA = 0.48, 2.5, 0.05
DESIGNS = ((2, 1), (2, 2), (6, 1), (6, 2), (6, 4))  # columns, trials per column
PEOPLE = (25, 50, 100)


def scenario(people: int, columns: int, trials: int, scale: Scale) -> Scenario:
    """A study in which all columns are equal and images still differ in which suits them."""
    value = MEAN if scale else SHARE
    return Scenario(people, trials, (value,) * columns, interaction=0.5, scale=scale, columns=columns)


def family_error(null: Scenario, repetitions: int, resamples: int, seed: int = 1) -> dict[str, float]:
    """Share of studies in which each test finds a column that differs from the first."""
    found = {"two-way t": 0, "sign-flip": 0}
    for samples in studies(null, repetitions, seed):
        base = samples[0]
        p = {
            "two-way t": [t_test(difference(other, base)) for other in samples[1:]],
            "sign-flip": [
                sign_flip(pair(other, base).difference, resamples, seed).p for other in samples[1:]
            ],
        }
        for name, values in p.items():
            found[name] += any(one is not None and one < ALPHA for one in holm(values))
    return {name: count / repetitions for name, count in found.items()}


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table of docs/statistics.md, section 2."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=1000, help="simulated studies per cell")
    parser.add_argument("--resamples", type=int, default=499, help="B of the sign-flip")
    options = parser.parse_args(argv)
    say = sys.stdout.write
    say(f"{options.repetitions} studies per cell; each cell: two-way t / sign-flip\n\n")
    heads = [f"{outcome}, P = {people}" for outcome in ("faith", "index") for people in PEOPLE]
    say("| columns, items | " + " | ".join(heads) + " |\n" + "|---" * (len(heads) + 1) + "|\n")
    for columns, trials in DESIGNS:
        cells = []
        for scale in (None, SCALE):
            for people in PEOPLE:
                null = scenario(people, columns, trials, scale)
                found = family_error(null, options.repetitions, options.resamples)
                cells.append(f"{found['two-way t']:.3f} / {found['sign-flip']:.3f}")
        say(f"| {columns}, {columns * trials} | {' | '.join(cells)} |\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
