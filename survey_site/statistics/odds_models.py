"""What every model of odds ratios shares: the columns' answers under each other, and the row of one coefficient."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from survey_site.statistics.comparison_types import OddsRatio
from survey_site.statistics.factor import FloatArray, IntArray
from survey_site.statistics.uncertainty import EXPONENT_MAX, Sample


@dataclass(frozen=True)
class Stacked:
    """Answers (N,), dummy columns (N, K−1), codes of participants and images (N,), names of the dummies."""

    y: FloatArray
    x: FloatArray
    participant: IntArray
    item: IntArray
    names: tuple[str, ...]


def stack(samples: Mapping[str, Sample], reference: str) -> Stacked:
    """The columns that have answers, the reference without a dummy."""
    names = [name for name in samples if name != reference and len(samples[name])]
    used = [samples[name] for name in (reference, *names)]
    member = np.concatenate([np.full(len(sample), k) for k, sample in enumerate(used)])
    return Stacked(
        y=np.concatenate([sample.y for sample in used]),
        x=(member[:, None] == np.arange(1, len(used))).astype(float),
        participant=np.concatenate([sample.participant for sample in used]),
        item=np.concatenate([sample.item for sample in used]),
        names=tuple(names),
    )


def unbounded(beta: FloatArray, spread: FloatArray, law: Any, level: float) -> bool:
    """Whether an interval of these log odds has ends that are 0 or infinity to any reader."""
    return bool((np.abs(beta) + law.ppf(0.5 + level / 2) * spread > EXPONENT_MAX).any())


def odds_rows(
    names: Sequence[str], beta: FloatArray, spread: FloatArray, law: Any, level: float
) -> list[OddsRatio]:
    """Odds ratios of log odds `beta` with Wald intervals; `law`: a frozen distribution of SciPy, normal or Student's t."""
    half = law.ppf(0.5 + level / 2) * spread
    return [
        {
            "column": name,
            "odds_ratio": float(np.exp(b)),
            "ci": [float(np.exp(b - h)), float(np.exp(b + h))],
            "p": float(2 * law.sf(abs(b / s))),
        }
        for name, b, h, s in zip(names, beta, half, spread, strict=True)
    ]
