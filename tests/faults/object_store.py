"""The faults of an object store in the place of a folder: away, busy and silent, and back with all that it had."""

from functools import partial

from tests.faults.bench import Bench
from tests.faults.gate import Mode
from tests.faults.round import Fault

TOLD_WITHIN_S = 300  # a silent store is given up after three times 30 s, by each thread that writes


def _turned(bench: Bench, mode: Mode) -> None:
    """Until the worker has met it and said so; participants answer meanwhile."""
    assert bench.gate
    bench.gate.turn(mode)
    try:
        bench.until_more_answers(50, TOLD_WITHIN_S)
        bench.until_a_job_was_put_back(TOLD_WITHIN_S)
    finally:
        bench.gate.turn(Mode.OPEN)


OBJECT_FAULTS = tuple(
    Fault(f"object store (S3) {mode.value}", partial(_turned, mode=mode))
    for mode in (Mode.AWAY, Mode.BUSY, Mode.SILENT)
)
