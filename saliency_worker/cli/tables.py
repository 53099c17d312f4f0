"""Tables 2 and 3 of the Feature CAM paper and what belongs beside them, from metrics per image and map.

Pure functions of plain data. A measurement is one dictionary per classifier, image and method key: what
`saliency.metrics.map_metrics` returns, plus `classifier`, `image` and `key`; the originals have the key "original".
"""

import csv
import io
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import Any

from saliency_worker import catalog
from saliency_worker.measures import FURTHER

Measurement = dict[str, Any]
Summary = dict[str, Any]

ORIGINAL = "original"
# field, heading, number of decimals; the first two are the paper's tables.
TABLES = (
    ("right_percent", "Table 2. Right classification, % (same top-1 class as the original)", 1),
    ("average_confidence", "Table 3. Average confidence (top-1 softmax of the explanation map)", 3),
    ("higher_than_original_percent", "Higher confidence than the original, % (top-1 softmax)", 1),
    ("higher_than_base_percent", "Higher confidence than the bare CAM, % (top-1 softmax)", 1),
    ("increase_percent", "Increase in confidence, % (softmax of the explained class)", 1),
    ("average_drop_percent", "Average drop, % (softmax of the explained class; lower is better)", 1),
    ("kept_percent", "Pixels kept by the explanation map, %", 1),
    ("empty_percent", "Maps that are the same everywhere, in no other table, %", 1),
)
# Tables of what is not measured of every map; those without a number are left out.
FURTHER_TABLES = tuple(
    (f"{each.name}_percent" if each.percent else each.name, each.title, each.decimals) for each in FURTHER
)
_PERCENT = {
    "right": "right_percent",
    "higher_than_original": "higher_than_original_percent",
    "higher_than_base": "higher_than_base_percent",
    "increase": "increase_percent",
    "drop": "average_drop_percent",
    "kept_share": "kept_percent",
    "empty": "empty_percent",
    **{each.name: f"{each.name}_percent" for each in FURTHER if each.percent},
}
_MEANS = tuple(each.name for each in FURTHER if not each.percent)


def summarise(measurements: Iterable[Measurement]) -> list[Summary]:
    """One summary per classifier and key, in order of appearance: means over images, in percent where named so.

    `right_low`, `right_high`: 95 % Wilson interval of right classification. A mean over no value is None.
    """
    groups: dict[tuple[str, str], list[Measurement]] = defaultdict(list)
    for measurement in measurements:
        groups[measurement["classifier"], measurement["key"]].append(measurement)
    return [_summary(classifier, key, rows) for (classifier, key), rows in groups.items()]


def _summary(classifier: str, key: str, rows: list[Measurement]) -> Summary:
    base = "" if key == ORIGINAL else catalog.split_key(key)[0]
    measured = [row for row in rows if row["right"] is not None]
    right = sum(bool(row["right"]) for row in measured)
    low, high = wilson(right, len(measured))
    return {
        "classifier": classifier,
        "base": base,
        "method": column(key),
        "key": key,
        "n": len(rows),
        "average_confidence": fmean(row["confidence"] for row in measured) if measured else None,
        "right_low": 100 * low,
        "right_high": 100 * high,
        **{
            name: _mean((row.get(field) for row in (rows if field == "empty" else measured)), 100)
            for field, name in _PERCENT.items()
        },
        **{name: _mean(row.get(name) for row in rows) for name in _MEANS},
    }


def _mean(values: Iterable[float | bool | None], factor: float = 1) -> float | None:
    known = [float(value) for value in values if value is not None]
    return factor * fmean(known) if known else None


def wilson(successes: int, n: int, z: float = 1.959963984540054) -> tuple[float, float]:
    """Wilson score interval of a share, 0..1; (0, 1) where n is 0."""
    if n == 0:
        return 0.0, 1.0
    share = successes / n
    centre = share + z * z / (2 * n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)


def column(key: str) -> str:
    """The heading a key stands under: "original", "G-CAMs" for a bare base, "Ours 1", "product F1", …"""
    if key == ORIGINAL:
        return ORIGINAL
    combination = catalog.split_key(key)[1]
    return catalog.label(key) if combination else "G-CAMs"


def layout(summaries: Sequence[Summary], field: str) -> tuple[list[str], list[list[Any]]]:
    """The paper's layout of one figure: rows classifier × base, columns original, G-CAMs, then the combinations."""
    columns = [ORIGINAL, *dict.fromkeys(s["method"] for s in summaries if s["key"] != ORIGINAL)]
    cells = {(s["classifier"], s["base"], s["method"]): s[field] for s in summaries}
    rows = []
    for classifier, base in dict.fromkeys((s["classifier"], s["base"]) for s in summaries if s["base"]):
        original = cells.get((classifier, "", ORIGINAL))
        values = [original, *(cells.get((classifier, base, name)) for name in columns[1:])]
        rows.append([classifier, catalog.label(base), *values])
    return ["classifier", "CAM", *columns], rows


def tables_of(summaries: Sequence[Summary]) -> list[tuple[str, str, int]]:
    """Field, heading and decimals of every table that has a number."""
    further = [table for table in FURTHER_TABLES if any(s[table[0]] is not None for s in summaries)]
    return [*TABLES, *further]


def as_text(summaries: Sequence[Summary]) -> str:
    """Every table in plain text, for a terminal."""
    counts = sorted({s["n"] for s in summaries})
    parts = [f"n = {', '.join(map(str, counts))} images per classifier"]
    for field, title, decimals in tables_of(summaries):
        head, rows = layout(summaries, field)
        parts.append(f"{title}\n{grid(head, rows, decimals)}")
    return "\n\n".join(parts) + "\n"


def grid(head: list[str], rows: list[list[Any]], decimals: int) -> str:
    """A table in plain text: two columns of names to the left, numbers to the right, missing cells "-"."""
    text = [head, *([_cell(value, decimals) for value in row] for row in rows)]
    widths = [max(len(row[i]) for row in text) for i in range(len(head))]
    lines = []
    for row in text:
        names = [cell.ljust(width) for cell, width in zip(row[:2], widths[:2], strict=True)]
        numbers = [cell.rjust(width) for cell, width in zip(row[2:], widths[2:], strict=True)]
        lines.append("  ".join([*names, *numbers]).rstrip())
    lines.insert(1, "-" * len(lines[0]))
    return "\n".join(lines)


def _cell(value: Any, decimals: int) -> str:
    if value is None:
        return "-"
    return f"{value:.{decimals}f}" if isinstance(value, float) else str(value)


def layout_csv(summaries: Sequence[Summary], field: str) -> str:
    """One table in the paper's layout as CSV, full precision, missing cells empty."""
    head, rows = layout(summaries, field)
    return _csv(head, rows)


def tidy_csv(summaries: Sequence[Summary]) -> str:
    """All summaries as CSV, one row per classifier, CAM and method."""
    return _csv(list(summaries[0]), [list(summary.values()) for summary in summaries])


def _csv(head: list[str], rows: Iterable[Sequence[Any]]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return stream.getvalue()


def as_json(summaries: Sequence[Summary]) -> dict[str, Any]:
    """Every table as `{field: [{classifier, CAM, original, G-CAMs, Ours 1, …}]}` and the summaries themselves."""
    tables = {}
    for field, _, _ in tables_of(summaries):
        head, rows = layout(summaries, field)
        tables[field] = [dict(zip(head, row, strict=True)) for row in rows]
    return {"tables": tables, "summaries": list(summaries)}
