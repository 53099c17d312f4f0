"""Time and memory of the whole report for a million answers: python -m benchmarks.heavy_statistics

The Celery task's part only: arrays in, report out. The page's own point estimates come from one SQL scan.
"""

import argparse
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from survey_site.reports import task_analyses
from survey_site.statistics.data import from_rows
from survey_site.statistics.plan import AnalysisPlan
from survey_site.statistics.published import TABLE_1
from survey_site.statistics.table import build_report
from survey_site.tasks.contract import outcomes
from survey_site.tasks.csv_rows import scored
from survey_site.tasks.matching.task import TASK as MATCHING
from survey_site.tasks.rating.task import TASK as RATING

COLUMNS = tuple(row.column for row in TABLE_1)
MATCHES, RATINGS, POOLS, POOL_SIZE = 6, 24, 24, 4
TASKS = (MATCHING, RATING)


def rows(answers: int, seed: int = 1) -> Iterator[dict[str, Any]]:
    """Answers of ``answers / 30`` participants: 6 matching and 24 rating trials each, with response times."""
    rng = np.random.default_rng(seed)
    for p in range(-(-answers // (MATCHES + RATINGS))):
        right, scores, rt = rng.random(MATCHES), rng.integers(0, 7, RATINGS), rng.integers(800, 9000, 30)
        for t in range(MATCHES + RATINGS):
            k, matching = (t + p) % len(COLUMNS), t < MATCHES
            pool = [f"image-{(t + p) % POOLS * POOL_SIZE + j:03d}" for j in range(POOL_SIZE)]
            source = pool[p % POOL_SIZE] if matching else f"image-{(t + p) % POOLS:03d}"
            correct = matching and right[t] < 0.48 + 0.08 * k
            choice = source if correct else pool[(p + 1) % POOL_SIZE]
            yield {
                "participant": f"p{p:06d}", "task": "matching" if matching else "rating", "column": COLUMNS[k],
                "position": t + 1 if matching else t - MATCHES + 1, "stimulus": source, "stimulus_class": source,
                "pool": "|".join(pool) if matching else "", "choice": choice if matching else "",
                "correct": int(correct) if matching else "", "class_correct": int(correct) if matching else "",
                "rating": "" if matching else int(scores[t - MATCHES]), "rt_ms": int(rt[t]), "seen": "yes",
                "attention_check": 0, "excluded": 0,
            }  # fmt: skip


def main(argv: Sequence[str] | None = None) -> None:
    """Print one line: answers, seconds to load, seconds to compute, peak memory."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--answers", type=int, default=1_000_000)
    answers = parser.parse_args(argv).answers
    started = time.process_time()
    trials = from_rows(scored(rows(answers), TASKS))
    loaded = time.process_time()
    report = build_report(
        trials, AnalysisPlan(columns=COLUMNS), outcomes=outcomes(TASKS), analyses=task_analyses.of(TASKS)
    )
    done = time.process_time()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    counted = sum(c[outcome]["n"] for c in report["columns"] for outcome in ("faith", "index"))
    sys.stdout.write(
        f"{len(trials)} answers ({counted} counted): made and loaded in {loaded - started:.0f} s of CPU, "
        f"reported in {done - loaded:.0f} s of CPU, peak {peak:.0f} MB\n"
    )


if __name__ == "__main__":
    main()
