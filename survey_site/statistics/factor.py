"""Categorical variables as integer codes, and the kinds of arrays that all statistics share."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from survey_site.statistics.repeated import Repeated

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


def narrowed(codes: Any, largest: int) -> NDArray[np.signedinteger[Any]]:
    """The codes in the smallest type that holds −1 and the largest: a million rows have a score of columns."""
    return np.asarray(codes, np.min_scalar_type(-max(largest, 1) - 1))


@dataclass(frozen=True, eq=False)
class Factor:
    """A categorical variable: codes into the sorted ``labels``, −1 where missing; ``kept`` (N,) in a small type."""

    kept: NDArray[np.signedinteger[Any]]
    labels: tuple[str, ...]

    @property
    def codes(self) -> IntArray:
        """int64 (N,), so that products of codes do not overflow."""
        return self.kept.astype(np.int64)

    @classmethod
    def encode(cls, values: Iterable[Any]) -> "Factor":
        """Codes of any printable values; ``None`` and the empty string are missing."""
        if isinstance(values, Repeated):
            found = cls.encode(values.values)
            return found.take(np.asarray(values.codes, np.int32))
        seen: dict[str, int] = {}
        raw = np.fromiter(
            (-1 if v is None or v == "" else seen.setdefault(str(v), len(seen)) for v in values), np.int64
        )
        labels = sorted(seen)
        order = np.empty(len(seen) + 1, np.int64)
        order[-1] = -1  # missing stays missing
        for rank, label in enumerate(labels):
            order[seen[label]] = rank
        return cls(narrowed(order[raw], len(labels)), tuple(labels))

    def take(self, index: IntArray | BoolArray | NDArray[np.int32]) -> "Factor":
        """The same labels over a selection of rows."""
        return Factor(self.kept[index], self.labels)

    def equals(self, label: str) -> BoolArray:
        """Mask of the rows with this label; nowhere true if the label never occurs."""
        if label not in self.labels:
            return np.zeros(len(self.kept), np.bool_)
        return np.asarray(self.kept == self.labels.index(label), np.bool_)

    def isin(self, labels: Iterable[str]) -> BoolArray:
        """Mask of the rows with any of these labels."""
        wanted = [i for i, label in enumerate(self.labels) if label in set(labels)]
        return np.isin(self.kept, np.array(wanted, self.kept.dtype))

    def present(self) -> list[str]:
        """Labels that occur in the rows, sorted."""
        return [self.labels[i] for i in np.unique(self.kept[self.kept >= 0])]
