"""The replay and small made-up studies as input of the statistics."""

from typing import Any

import numpy as np
import pytest

from fixtures import replay
from survey_site.statistics import data
from survey_site.statistics.plan import AnalysisPlan
from tests.statistics.two_tasks import load


@pytest.fixture(scope="session")
def replayed() -> data.Trials:
    """The replay of the paper's Table 1."""
    return load(replay.responses())


@pytest.fixture(scope="session")
def replay_plan() -> AnalysisPlan:
    """Its plan: the paper's columns in the paper's order, few resamples."""
    return AnalysisPlan(columns=replay.COLUMNS, resamples=999)


def _matching_row(
    p: int, k: int, j: int, columns: tuple[str, ...], rng: np.random.Generator
) -> dict[str, Any]:
    pool = [f"i{(4 * (j * len(columns) + k) + n):03d}" for n in range(4)]
    target, choice = pool[p % 4], pool[int(rng.integers(4))] if rng.random() < 0.5 else pool[p % 4]
    return {
        "participant": f"p{p:04d}", "task": "matching", "block": "matching", "column": columns[k],
        "stimulus": target, "stimulus_class": f"c{target}", "pool": "|".join(rng.permutation(pool)),
        "choice": choice, "choice_class": f"c{choice}", "correct": int(choice == target),
        "class_correct": int(choice == target), "rt_ms": int(rng.integers(800, 9000)), "seen": "yes",
        "position": j * len(columns) + k, "attention_check": 0, "excluded": 0, "base": "gradcam",
    }  # fmt: skip


def _rating_row(p: int, k: int, j: int, columns: tuple[str, ...], rng: np.random.Generator) -> dict[str, Any]:
    return {
        "participant": f"p{p:04d}", "task": "rating", "block": "rating", "column": columns[k],
        "stimulus": f"i{(p + 7 * j + k) % 40:03d}", "rating": int(np.clip(round(rng.normal(2 + k, 1.2)), 0, 6)),
        "rt_ms": int(rng.integers(800, 9000)), "seen": "yes", "position": 100 + j * len(columns) + k,
        "attention_check": 0, "excluded": 0, "base": "gradcam",
    }  # fmt: skip


@pytest.fixture(scope="session")
def made_up() -> Any:
    """Rows of a random study: ``made_up(participants, columns, trials, seed)``."""

    def make(
        participants: int = 8, columns: tuple[str, ...] = ("A", "B", "C"), trials: int = 3, seed: int = 0
    ) -> list[dict[str, Any]]:
        rng = np.random.default_rng(seed)
        rows = []
        for p in range(participants):
            for k in range(len(columns)):
                for j in range(trials):
                    rows.append(_matching_row(p, k, j, columns, rng))
                    rows.append(_rating_row(p, k, j, columns, rng))
        return rows

    return make
