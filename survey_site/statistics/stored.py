"""Answers as their tasks store them, row by row: equal ones are held once."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from survey_site.statistics.factor import BoolArray, FloatArray, IntArray, narrowed
from survey_site.statistics.repeated import Repeated


@dataclass(frozen=True, eq=False)
class Stored:
    """Answers as they are stored: codes into the different ``values``, −1 where none is given; ``kept`` as in `Factor`."""

    kept: NDArray[np.signedinteger[Any]]
    values: tuple[Mapping[str, Any], ...]

    @property
    def codes(self) -> IntArray:
        """int64 (N,)."""
        return self.kept.astype(np.int64)

    @classmethod
    def encode(cls, answers: Iterable[Mapping[str, Any] | None]) -> "Stored":
        """Codes of answers, where one mapping may stand for many."""
        if isinstance(answers, Repeated):
            return cls.encode(answers.values).take(np.asarray(answers.codes, np.int32))
        seen: dict[int, int] = {}
        values: list[Mapping[str, Any]] = []
        codes: list[int] = []
        for answer in answers:
            if answer is None:
                codes.append(-1)
                continue
            if id(answer) not in seen:
                seen[id(answer)] = len(values)
                values.append(answer)
            codes.append(seen[id(answer)])
        return cls(narrowed(codes, len(values)), tuple(values))

    def take(self, index: IntArray | BoolArray | NDArray[np.int32]) -> "Stored":
        """The answers of a selection of rows."""
        return Stored(self.kept[index], self.values)

    def numbers(self, key: str) -> FloatArray:
        """What the answers store under the key, (N,); NaN where that is no number."""
        found = (values.get(key) for values in self.values)
        table = [float(one) if isinstance(one, int | float) else np.nan for one in found]
        return np.array([*table, np.nan])[self.codes]

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        """Row by row; an empty mapping where none is given."""
        return (self.values[code] if code >= 0 else {} for code in self.kept)
