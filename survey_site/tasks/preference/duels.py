"""Two maps against each other under the model of Bradley and Terry: log odds that add up. Standard library.

Source: Bradley & Terry 1952, Biometrika 39:324–345.
"""

from collections.abc import Mapping
from math import log

from survey_site.tasks.behaviour import logistic

SURE = 1e-6


def won(own: float, rival: float) -> float:
    """The probability that one map is preferred to another. own, rival: shares won against a map of middle strength."""
    return logistic(_strength(own) - _strength(rival))


def expected(planted: Mapping[str, float]) -> dict[str, float]:
    """By column the share of its duels that it wins, where all others are its rivals equally often."""
    return {
        name: sum(won(own, rival) for other, rival in planted.items() if other != name) / (len(planted) - 1)
        if len(planted) > 1
        else 0.5
        for name, own in planted.items()
    }


def _strength(share: float) -> float:
    kept = min(max(share, SURE), 1 - SURE)
    return log(kept / (1 - kept))
