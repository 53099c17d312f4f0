from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saliency_worker.saliency.batches import RowStream, Segment, batch_size, overlap, read_ahead


@given(rows=st.lists(st.integers(1, 9), max_size=8), size=st.integers(1, 7))
def test_every_row_runs_once_and_items_come_back_in_order(rows: list[int], size: int) -> None:
    batches: list[list[Segment[int]]] = []
    stream: RowStream[int] = RowStream(size, batches.append)
    done = [item for index, count in enumerate(rows) for item in stream.push(index, count)]
    done += stream.flush()
    assert done == list(range(len(rows)))
    ran = [(s.item, row) for batch in batches for s in batch for row in range(s.start, s.stop)]
    assert ran == [(index, row) for index, count in enumerate(rows) for row in range(count)]
    assert all(sum(s.stop - s.start for s in batch) <= size for batch in batches)


@given(count=st.integers(1, 6), rows=st.integers(1, 9), size=st.integers(1, 9))
def test_a_large_item_begins_a_batch_and_small_ones_share_one(count: int, rows: int, size: int) -> None:
    batches: list[list[Segment[int]]] = []
    stream: RowStream[int] = RowStream(size, batches.append)
    for index in range(count):
        list(stream.push(index, rows))
    list(stream.flush())
    if rows >= size:
        assert all(len(batch) == 1 for batch in batches)
        assert len(batches) == count * -(-rows // size)
    else:
        assert len(batches) == -(-count // (size // rows))


def test_an_item_comes_back_only_when_its_last_row_has_run() -> None:
    stream: RowStream[str] = RowStream(4, lambda batch: None)
    assert list(stream.push("a", 2)) == []
    assert list(stream.push("b", 6)) == ["a"]
    assert list(stream.flush()) == ["b"]
    assert list(stream.flush()) == []


@given(rows=st.integers(1, 300), limit=st.integers(1, 130))
def test_the_batch_size_respects_the_limit_and_wastes_little(rows: int, limit: int) -> None:
    size = batch_size(rows, limit)
    assert 1 <= size <= limit
    batches = -(-rows // limit)
    assert -(-rows // size) == batches
    assert rows > limit or size == rows


@pytest.mark.parametrize(
    ("rows", "one", "several"), [(26, 13, 13), (18, 9, 9), (1, 1, 16), (3, 3, 15), (43, 15, 15)]
)
def test_batch_sizes_of_the_usual_sets(rows: int, one: int, several: int) -> None:
    assert batch_size(rows, 16) == one
    assert batch_size(rows, 16, several=True) == several


def test_reading_ahead_is_bounded_and_in_order() -> None:
    taken = []

    def items():
        for index in range(100):
            taken.append(index)
            yield index

    with ThreadPoolExecutor(1) as reader:
        stream = read_ahead(reader, lambda item: -item, items(), 2)
        assert [next(stream) for _ in range(3)] == [0, -1, -2]
        stream.close()
    assert len(taken) <= 3 + 2


def test_errors_of_the_reader_and_of_the_pool_are_passed_on() -> None:
    def broken():
        yield 1
        raise OSError("disk")

    with ThreadPoolExecutor(1) as pool:
        stream = read_ahead(pool, lambda item: item, broken(), 2)
        assert next(stream) == 1
        with pytest.raises(OSError, match="disk"):
            next(stream)
        with pytest.raises(ZeroDivisionError):
            list(overlap(pool, lambda item: 1 // item, [1, 0], 2))


def test_overlapping_keeps_the_order() -> None:
    with ThreadPoolExecutor(3) as pool:
        assert list(overlap(pool, lambda item: item * 2, range(20), 2)) == list(range(0, 40, 2))
