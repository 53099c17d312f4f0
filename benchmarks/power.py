"""Power of the paper's comparisons for other sizes of the study: python -m benchmarks.power

Faith: σ = .7 participant, .7 image, .5 image × method; Holm at 5 %; "Ours 5 (76 vs 48 %) / all five columns".
"""

import argparse
import sys
from collections.abc import Sequence

from survey_site.statistics.power import Plan, power
from survey_site.statistics.published import REFERENCE, TABLE_1

FAITH = {row.column: int(row.faith) / 100 for row in TABLE_1}
INDEX = {row.column: float(row.mean_rating) for row in TABLE_1}
PARTICIPANTS, TRIALS = (12, 18, 24, 36, 48), (1, 2, 4, 8)
LAST = TABLE_1[-1].column


def cell(participants: int, trials: int, repetitions: int) -> str:
    """Power of the smallest effect and of all five together."""
    result = power(Plan(FAITH, participants, trials), repetitions)
    return f"{result['power'][LAST]:.2f}/{result['all']:.2f}"


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table of faith and the line of the index."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=400, help="simulated studies per cell")
    repetitions = parser.parse_args(argv).repetitions
    say = sys.stdout.write
    say("| n | " + " | ".join(f"t={t} ({6 * t} items)" for t in TRIALS) + " |\n" + "|---" * 5 + "|\n")
    for n in PARTICIPANTS:
        say(f"| {n} | " + " | ".join(cell(n, t, repetitions) for t in TRIALS) + " |\n")
    index = power(Plan(INDEX, 12, 2, scale=(0, 6)), repetitions)
    say(f"\nIndex, n = 12, 12 images, all five against {REFERENCE}: {index['all']:.2f}\n")


if __name__ == "__main__":
    main()
