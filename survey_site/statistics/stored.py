"""Answers as their tasks store them, row by row: equal ones are held once."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Stored:
    """Answers as they are stored: int64 ``codes`` (N,), −1 where none is given, into the different ``values``."""

    codes: NDArray[np.int64]
    values: tuple[Mapping[str, Any], ...]

    @classmethod
    def encode(cls, answers: Iterable[Mapping[str, Any] | None]) -> "Stored":
        """Codes of answers, where one mapping may stand for many."""
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
        return cls(np.array(codes, np.int64), tuple(values))

    def take(self, index: NDArray[np.int64] | NDArray[np.bool_]) -> "Stored":
        """The answers of a selection of rows."""
        return Stored(self.codes[index], self.values)

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        """Row by row; an empty mapping where none is given."""
        return (self.values[code] if code >= 0 else {} for code in self.codes)
