"""A task's figure as plain data, which the reports draw. Standard library."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class FigureData:
    """A table of numbers and the words around it. `values`: one row for each of `rows`; None: nothing to show.

    kind: `bars` lays the values of a row end to end in one bar, whose parts `columns` names, from light to dark;
    `grid` shows them as greys from `low` (white) to `high` (black); `lines` and `points` draw a row as one series over
    `x`. title, legend: what a reader must know to read the figure. scale: what the greys of a grid or the parts of a
    bar measure. wide: it needs the whole width of a page.
    """

    kind: Literal["bars", "grid", "lines", "points"]
    title: str
    legend: str
    rows: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    values: tuple[tuple[float | None, ...], ...] = ()
    x: tuple[float, ...] = ()
    x_label: str = ""
    y_label: str = ""
    scale: str = ""
    low: float | None = None
    high: float | None = None
    wide: bool = False

    def __post_init__(self) -> None:
        width = len(self.x) if self.kind in ("lines", "points") else len(self.columns)
        if len(self.values) != len(self.rows) or any(len(row) != width for row in self.values):
            raise ValueError(f"the figure {self.title!r} needs {len(self.rows)} rows of {width} values each")
