"""A sealed protocol is read by one thread at a time, and kept once."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest

from survey_site.trials import frozen_protocol


class Reader:
    """Stands for the reading: counts it, and takes as long as the test wants."""

    def __init__(self) -> None:
        self.begun, self.may_end, self.reads = Event(), Event(), 0

    def __call__(self, protocol_id: int) -> Any:
        self.reads += 1
        self.begun.set()
        assert self.may_end.wait(10)
        return f"{protocol_id} read {self.reads}"


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    made = Reader()
    monkeypatch.setattr(frozen_protocol, "_read", made)
    frozen_protocol.forget()
    yield made
    frozen_protocol.forget()


def test_who_comes_while_it_is_read_anew_takes_the_one_before(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader.may_end.set()
    assert frozen_protocol.frozen_protocol(1) == "1 read 1"
    monkeypatch.setattr(frozen_protocol, "REREAD_S", 0)
    reader.begun.clear()
    reader.may_end.clear()
    with ThreadPoolExecutor(1) as other:
        reading: Future[Any] = other.submit(frozen_protocol.frozen_protocol, 1)
        assert reader.begun.wait(10)
        assert frozen_protocol.frozen_protocol(1) == "1 read 1"
        reader.may_end.set()
        assert reading.result() == "1 read 2"


def test_those_who_come_first_together_wait_for_one_reading(reader: Reader) -> None:
    with ThreadPoolExecutor(4) as others:
        found = [others.submit(frozen_protocol.frozen_protocol, 1) for _ in range(4)]
        assert reader.begun.wait(10)
        reader.may_end.set()
        assert {each.result() for each in found} == {"1 read 1"}


def test_of_each_protocol_one_is_kept_and_of_many_the_latest(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader.may_end.set()
    monkeypatch.setattr(frozen_protocol, "MOST_KEPT", 2)
    for protocol in (1, 2, 3, 3):
        frozen_protocol.frozen_protocol(protocol)
    assert reader.reads == 3
    frozen_protocol.frozen_protocol(2)
    assert reader.reads == 3
    frozen_protocol.frozen_protocol(1)
    assert reader.reads == 4
