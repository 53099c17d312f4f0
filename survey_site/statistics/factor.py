"""Categorical variables as integer codes, and the kinds of arrays that all statistics share."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Factor:
    """A categorical variable: int64 ``codes`` (N,), −1 where missing, into the sorted ``labels``."""

    codes: IntArray
    labels: tuple[str, ...]

    @classmethod
    def encode(cls, values: Iterable[Any]) -> "Factor":
        """Codes of any printable values; ``None`` and the empty string are missing."""
        seen: dict[str, int] = {}
        raw = np.fromiter(
            (-1 if v is None or v == "" else seen.setdefault(str(v), len(seen)) for v in values), np.int64
        )
        labels = sorted(seen)
        order = np.empty(len(seen) + 1, np.int64)
        order[-1] = -1  # missing stays missing
        for rank, label in enumerate(labels):
            order[seen[label]] = rank
        return cls(order[raw], tuple(labels))

    def take(self, index: IntArray | BoolArray) -> "Factor":
        """The same labels over a selection of rows."""
        return Factor(self.codes[index], self.labels)

    def equals(self, label: str) -> BoolArray:
        """Mask of the rows with this label; nowhere true if the label never occurs."""
        if label not in self.labels:
            return np.zeros(len(self.codes), np.bool_)
        return np.asarray(self.codes == self.labels.index(label), np.bool_)

    def isin(self, labels: Iterable[str]) -> BoolArray:
        """Mask of the rows with any of these labels."""
        wanted = [i for i, label in enumerate(self.labels) if label in set(labels)]
        return np.isin(self.codes, wanted)

    def present(self) -> list[str]:
        """Labels that occur in the rows, sorted."""
        return [self.labels[i] for i in np.unique(self.codes[self.codes >= 0])]
