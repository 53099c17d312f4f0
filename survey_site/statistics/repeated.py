"""Columns of many rows with few different values: each value once, and four bytes for every row. Standard library.

A million answers repeat a few thousand keys, labels and stored answers; as lists of Python objects their columns take
several hundred megabytes, and every conversion is done a million times in place of once for each value.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Self, overload


class Repeated(Sequence[Any]):
    """Rows as ``codes`` into ``values``. Read-only; `Gathered` makes one."""

    def __init__(self, codes: "array[int]", values: Sequence[Any]) -> None:
        self.codes = codes
        self.values = values

    @classmethod
    def of(cls, rows: Iterable[Any]) -> "Repeated":
        """The column of these hashable values; equal ones, such as 1 and 1.0, become the first of them."""
        gathered = Gathered()
        gathered.extend(rows)
        return gathered.column()

    @classmethod
    def joined(cls, *columns: Iterable[Any]) -> "Repeated":
        """The column of the tuples that stand beside each other in equally long columns."""
        return cls.of(zip(*columns, strict=True))

    def map(self, function: Callable[[Any], Any]) -> Self:
        """The column of what the function makes of each value; called once for each."""
        return type(self)(self.codes, [function(value) for value in self.values])

    @overload
    def __getitem__(self, row: int) -> Any: ...
    @overload
    def __getitem__(self, row: slice) -> Sequence[Any]: ...
    def __getitem__(self, row: int | slice) -> Any:
        if isinstance(row, slice):
            return [self.values[code] for code in self.codes[row]]
        return self.values[self.codes[row]]

    def __len__(self) -> int:
        return len(self.codes)

    def __iter__(self) -> Iterator[Any]:
        return map(self.values.__getitem__, self.codes)


class _Places(dict[Any, int]):
    def __missing__(self, value: Any) -> int:
        place = self[value] = len(self)
        return place


class Gathered:
    """A column that grows. Values are hashable."""

    def __init__(self) -> None:
        self._codes = array("i")
        self._places = _Places()

    def extend(self, values: Iterable[Any]) -> None:
        """Further rows."""
        self._codes.extend(map(self._places.__getitem__, values))

    def repeat(self, rows: Iterable[int]) -> None:
        """These rows once more."""
        self._codes.extend([self._codes[row] for row in rows])

    def column(self) -> Repeated:
        """The rows so far."""
        return Repeated(self._codes, list(self._places))
