"""Streams of rows in batches of one fixed size, whatever the number of images."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Segment(Generic[Item]):
    """Rows ``start`` to ``stop`` of an item, to be put into one batch."""

    item: Item
    start: int
    stop: int


class RowStream(Generic[Item]):
    """Lines up the rows of successive items and runs them in batches of ``size`` rows.

    An item whose rows do not fit into what is left of a batch begins a new one, so that in batches no larger
    than an item each row has one place, whatever comes before: the last bit of a sum may depend on the place.
    ``run`` gets the segments of one batch, at most ``size`` rows, and pads.
    Items come back in order once all their rows have run.
    """

    def __init__(self, size: int, run: Callable[[list[Segment[Item]]], None]) -> None:
        self._size = size
        self._run = run
        self._waiting: list[Segment[Item]] = []
        self._filled = 0
        self._open: deque[tuple[Item, int]] = deque()

    def push(self, item: Item, rows: int) -> Iterator[Item]:
        """Add the rows of an item; yields the items that are complete now."""
        if rows > self._size - self._filled:
            yield from self.flush()
        self._open.append((item, rows))
        start = 0
        while start < rows:
            stop = min(rows, start + self._size - self._filled)
            self._waiting.append(Segment(item, start, stop))
            self._filled += stop - start
            start = stop
            if self._filled == self._size:
                yield from self.flush()

    def flush(self) -> Iterator[Item]:
        """Run what is waiting, full or not; yields the items that are complete now."""
        if not self._waiting:
            return
        batch, self._waiting, self._filled = self._waiting, [], 0
        self._run(batch)
        last = batch[-1]
        while self._open:
            item, rows = self._open[0]
            if item is last.item and last.stop < rows:
                return
            self._open.popleft()
            yield item
            if item is last.item:
                return


def batch_size(rows_per_item: int, limit: int, several: bool = False) -> int:
    """The batch size up to ``limit`` that cuts the rows of an item, or of ``several``, with the least padding.

    ``batch_size(26, 16) == 13``, ``batch_size(18, 16) == 9``, ``batch_size(3, 16) == 3``,
    ``batch_size(3, 16, several=True) == 15``.
    """
    if rows_per_item <= limit:
        return limit // rows_per_item * rows_per_item if several else rows_per_item
    return -(-rows_per_item // -(-rows_per_item // limit))


def padded(parts: list[npt.NDArray[np.float32]], size: int) -> npt.NDArray[np.float32]:
    """The parts as one batch of ``size`` rows, zeros behind them."""
    if len(parts) == 1 and len(parts[0]) == size:
        return parts[0]
    filled = sum(len(part) for part in parts)
    padding = np.zeros((size - filled, *parts[0].shape[1:]), np.float32)
    return np.concatenate([*parts, padding])


def read_ahead(
    reader: ThreadPoolExecutor, function: Callable[[Item], Result], items: Iterable[Item], depth: int
) -> Iterator[Result]:
    """``map`` with items read and results computed ahead in the one thread of ``reader``, at most ``depth``."""
    iterator = iter(items)

    def step() -> tuple[Result] | None:
        for item in iterator:
            return (function(item),)
        return None

    pending = deque(reader.submit(step) for _ in range(depth))
    while (result := pending.popleft().result()) is not None:
        pending.append(reader.submit(step))
        yield result[0]


def overlap(
    pool: ThreadPoolExecutor, function: Callable[[Item], Result], items: Iterable[Item], depth: int
) -> Iterator[Result]:
    """``map`` in the pool, in order, while the items are still coming; at most ``depth`` are under way."""
    pending: deque[Future[Result]] = deque()
    for item in items:
        pending.append(pool.submit(function, item))
        while pending and (pending[0].done() or len(pending) > depth):
            yield pending.popleft().result()
    while pending:
        yield pending.popleft().result()
