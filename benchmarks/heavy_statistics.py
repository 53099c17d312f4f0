"""Time and memory of the whole report for a million answers: python -m benchmarks.heavy_statistics [--tasks all]

The Celery task's part only: arrays in, report out. The page's own point estimates come from one SQL scan, and `python -m
benchmarks.report --statistics` has the task with its rows and figures. `--tasks all`: six trials in each of the five tasks;
an observer has an answer in every matching trial, and a sealed margin asks for equivalence. Whatever is fitted to a sample
of the participants, or left out, is printed with the report's own words.
"""

import argparse
import resource
import sys
import time
from array import array
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from survey_site.reports import task_analyses
from survey_site.statistics.data import Trials, from_columns
from survey_site.statistics.plan import AnalysisPlan
from survey_site.statistics.published import TABLE_1
from survey_site.statistics.repeated import Repeated
from survey_site.statistics.table import build_report
from survey_site.tasks.agreement.task import TASK as AGREEMENT
from survey_site.tasks.contract import Task, outcomes
from survey_site.tasks.distinction.task import TASK as DISTINCTION
from survey_site.tasks.matching.task import TASK as MATCHING
from survey_site.tasks.preference.task import TASK as PREFERENCE
from survey_site.tasks.rating.task import TASK as RATING

COLUMNS = tuple(row.column for row in TABLE_1)
POOLS, POOL_SIZE, TRIALS = 24, 4, 30
PAPER = {MATCHING: 6, RATING: 24}
ALL = {MATCHING: 6, RATING: 6, PREFERENCE: 6, AGREEMENT: 6, DISTINCTION: 6}
IMAGES = [f"image-{k:03d}" for k in range(POOLS * POOL_SIZE)]


def _column(codes: Any, values: Sequence[Any]) -> Repeated:
    return Repeated(array("i", np.asarray(codes, np.int32).tobytes()), values)


def trials_of(answers: int, tasks: dict[Task, int], seed: int = 1) -> Trials:
    """About so many answers of participants with `TRIALS` trials each; an answer that counts in two columns has two rows."""
    people = -(-answers // TRIALS)
    rng = np.random.default_rng(seed)
    names = list(tasks)
    task = np.repeat(np.arange(len(names)), list(tasks.values()))
    person, place = np.divmod(np.arange(people * TRIALS), TRIALS)
    kind, column = task[place], (place + person) % len(COLUMNS)
    pool = (place + person) % POOLS
    score = (rng.random(len(person)) < 0.48 + 0.08 * column).astype(float)
    rated = kind == (names.index(RATING) if RATING in tasks else -1)
    score[rated] = rng.integers(0, 7, int(rated.sum()))
    further = np.zeros(len(person), np.int64)
    if PREFERENCE in tasks:
        twice = np.flatnonzero(kind == names.index(PREFERENCE))
        person, place, kind, pool = (np.concatenate([a, a[twice]]) for a in (person, place, kind, pool))
        column = np.concatenate([column, (column[twice] + 1 + person[twice] % 4) % len(COLUMNS)])
        score = np.concatenate([score, 1 - score[twice]])
        further = np.concatenate([further, np.ones(len(twice), np.int64)])
    return from_columns(_columns(rng, names, person, place, kind, column, pool, score, further))


def _columns(
    rng: Any,
    names: list[Task],
    person: Any,
    place: Any,
    kind: Any,
    column: Any,
    pool: Any,
    score: Any,
    further: Any,
) -> dict[str, Any]:
    n, matched = len(person), kind == names.index(MATCHING)
    source = np.where(matched, POOL_SIZE * pool + person % POOL_SIZE, pool)
    wrong = POOL_SIZE * pool + (person + 1) % POOL_SIZE
    choice = np.where(matched, np.where(score == 1, source, wrong), len(IMAGES))
    pools = ["|".join(IMAGES[POOL_SIZE * k : POOL_SIZE * (k + 1)]) for k in range(POOLS)]
    said = [
        {"preferred": k % 2, "sure": 1 + k % 4, "prediction_right": k // 4 % 2, "confidence": 1 + k % 4}
        for k in range(8)
    ]
    seen = [{"edge": {"choice": IMAGES[k], "right": k % 2}} for k in range(len(IMAGES))]
    return {
        "participant": _column(person, [f"p{k:06d}" for k in range(int(person.max()) + 1)]),
        "task": _column(kind, [task.name for task in names]),
        "column": _column(column, COLUMNS),
        "position": _column(place, range(TRIALS)),
        "stimulus": _column(source, IMAGES),
        "stimulus_class": _column(source, [f"class {k % 12}" for k in range(len(IMAGES))]),
        "pool": _column(np.where(matched, pool, POOLS), [*pools, ""]),
        "choice": _column(choice, [*IMAGES, ""]),
        "choice_class": _column(choice, [*(f"class {k % 12}" for k in range(len(IMAGES))), ""]),
        "score": _column(score, range(7)),
        "second_score": _column(np.where(matched, score, 2), [0, 1, None]),
        "chance": _column(kind, [(task.outcome.kind == "share" and 1 / POOL_SIZE) or None for task in names]),
        "answers": _column(rng.integers(0, 8, n), said),
        "observed": _column(np.where(matched, choice, len(IMAGES)), [*seen, None]),
        "rt_ms": _column(rng.integers(0, 9000, n), range(800, 9800)),
        "seen": _column(np.zeros(n), ["yes"]),
        "further": _column(further, [0, 1]),
    }


def main(argv: Sequence[str] | None = None) -> None:
    """Print one line: answers, seconds to load, seconds to compute, peak memory; then what was left out or sampled."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--answers", type=int, default=1_000_000)
    parser.add_argument("--tasks", choices=("paper", "all"), default="paper")
    asked = parser.parse_args(argv)
    tasks = PAPER if asked.tasks == "paper" else ALL
    started = time.process_time()
    trials = trials_of(asked.answers, tasks)
    loaded, parts = time.process_time(), list[tuple[str, float]]()
    plan = AnalysisPlan(columns=COLUMNS, margins={"faith": 10})
    own = outcomes(list(tasks))
    report = build_report(
        trials, plan, outcomes=own, analyses=task_analyses.of(list(tasks)),
        progress=lambda _, label: parts.append((label, time.process_time())),
    )  # fmt: skip
    done = time.process_time()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    counted = sum(c[outcome.key]["n"] for c in report["columns"] for outcome in own)
    say = sys.stdout.write
    say(
        f"{len(trials)} rows ({counted} counted): made and loaded in {loaded - started:.0f} s of CPU, "
        f"reported in {done - loaded:.0f} s of CPU, peak {peak:.0f} MB\n"
    )
    taken = sorted(((b - a, name) for (name, a), (_, b) in pairwise(parts)), reverse=True)
    say("  longest: " + ", ".join(f"{name} {seconds:.0f} s" for seconds, name in taken[:5]) + "\n")
    for step in ("models", "crossed_models"):
        for outcome, found in report[step].items():
            say(f"  {step} of {outcome}: {found.get('note') or found['reason'] or 'all answers'}\n")


if __name__ == "__main__":
    main()
