"""Participants, images, image × column and the rest: planted variances are found."""

import numpy as np
import pytest

from survey_site.statistics.variance_parts import variance_parts
from tests.statistics.two_tasks import load


def rows(seed: int, people: int = 40, images: int = 40) -> list[dict]:
    """Scores on a continuous scale: participants 0.8, images 0.6, image × column 0.5, residual 1.0 (deviations)."""
    rng = np.random.default_rng(seed)
    person, item, suits = (
        rng.normal(0, 0.8, people),
        rng.normal(0, 0.6, images),
        rng.normal(0, 0.5, (images, 2)),
    )
    return [
        {"participant": f"p{p}", "task": "rating", "column": "AB"[k], "stimulus": f"i{i}",
         "rating": 3 + k + person[p] + item[i] + suits[i, k] + rng.normal()}
        for p in range(people) for i in range(images) for k in ((p + i) % 2,)
    ]  # fmt: skip


def test_planted_variances_are_found() -> None:
    found = [variance_parts(load(rows(seed))) for seed in range(40)]
    for name, expected in {
        "participant": 0.64,
        "item": 0.36,
        "item_by_column": 0.25,
        "residual": 1.0,
    }.items():
        assert np.mean([one[name] for one in found]) == pytest.approx(expected, rel=0.2)


def test_a_design_that_repeats_no_image_says_so() -> None:
    once = [r | {"stimulus": f"i{k}"} for k, r in enumerate(rows(1, 4, 6))]
    found = variance_parts(load(once))
    assert found["item"] is None and found["item_by_column"] is None and found["participant"] is not None
    assert "repeats no images" in str(found["reason"])


def test_no_answers_and_one_answer_are_not_estimable() -> None:
    assert "two answers" in str(variance_parts(load([]))["reason"])
    assert "two answers" in str(variance_parts(load(rows(1)[:1]))["reason"])
