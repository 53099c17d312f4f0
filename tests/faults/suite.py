"""Every fault on one stack, and the table of what came of them."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.faults.bench import Bench
from tests.faults.gate import Gate
from tests.faults.kinds import FAULTS
from tests.faults.object_store import OBJECT_FAULTS
from tests.faults.round import Row, run
from tests.faults.table import line, rule
from tests.stack.disk import Disk
from tests.stack.stack import Stack
from tests.worker.tiny import tiny_classifier

HEADINGS = (
    "fault", "acknowledged", "found", "lost", "doubled", "silence s", "answers after s",
    "maps", "lost", "doubled", "maps after s", "met meanwhile",
)  # fmt: skip


def strike_all(stack: Stack, disks: dict[str, Disk], words: Sequence[str], gate: Gate | None = None) -> bool:
    """Those whose names hold one of the words; prints a line after each. Whether all were clean.

    gate: stands before the object store, whose faults are struck then.
    """
    kinds = OBJECT_FAULTS if gate else FAULTS
    chosen = [fault for fault in kinds if any(word.lower() in fault.name.lower() for word in words)]
    with tempfile.TemporaryDirectory(prefix="tiny-") as folder:
        bench = Bench(stack, tiny_classifier(Path(folder)), disks)
        bench.gate = gate
        print(line(HEADINGS), rule(HEADINGS), sep="\n", flush=True)
        rows = []
        for fault in chosen:
            row = run(bench, fault)
            print(line(cells(row)), *(f"  {problem}" for problem in row.problems[:10]), sep="\n", flush=True)
            rows.append(row)
    told = [row for row in rows if not row.not_run]
    print(line(cells(total(told))))
    return bool(told) and all(row.clean for row in told)


def total(rows: Sequence[Row]) -> Row:
    """The sum of all rows."""
    whole = Row("all")
    for row in rows:
        whole.answers += row.answers
        whole.maps += row.maps
        whole.silence_s = max(whole.silence_s, row.silence_s)
    return whole


def cells(row: Row) -> list[str]:
    """As HEADINGS has them."""
    if row.not_run:
        return [row.name, *[""] * (len(HEADINGS) - 2), f"not run: {row.not_run}"]
    answers, maps = row.answers, row.maps
    counted = [answers.asked, answers.found, answers.lost, answers.doubled]
    of_maps = [maps.asked, maps.lost, maps.doubled] if maps.asked else ["–"] * 3
    return [
        row.name,
        *map(str, counted),
        f"{row.silence_s:.1f}",
        _seconds(row.answers_s),
        *map(str, of_maps),
        _seconds(row.maps_s),
        row.trouble or "–",
    ]


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"
