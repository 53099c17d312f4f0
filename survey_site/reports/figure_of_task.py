"""Draws a task's figure, which is plain data. Matplotlib, so only for the queue `reports` and the commands."""

from collections.abc import Callable

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from survey_site.reports.figure_drawing import INK, MID, STYLE, draw_grid, new_figure, say_nothing
from survey_site.statistics.factor import FloatArray
from survey_site.statistics.figure_data import FigureData

MARKERS, DASHES = "os^Dv*", ("-", "--", ":", "-.")
NARROWEST_NAMED = 0.04  # parts of a bar below this share of the axis have no room for their name


def draw_data(data: FigureData) -> Figure:
    """The figure; one without a number says so."""
    with mpl.rc_context(STYLE):
        width, height = _size(data)
        figure, (axis,) = new_figure(width, height)
        shape = len(data.rows), len(data.x or data.columns)
        numbers = [np.nan if value is None else value for row in data.values for value in row]
        values = np.array(numbers, np.float64).reshape(shape)
        if not values.size or np.isnan(values).all():
            say_nothing(axis)
            return figure
        DRAWN[data.kind](axis, data, values)
        axis.set_xlabel(data.x_label)
        axis.set_ylabel(data.y_label)
    return figure


def _size(data: FigureData) -> tuple[float, float]:
    """Width and height in inches."""
    if data.kind == "bars":
        return 8, 0.9 + 0.42 * max(1, len(data.rows))
    return (6.4, 5.6) if data.kind == "grid" else (9.0 if data.wide else 5.5, 3.4)


def _bars(axis: Axes, data: FigureData, values: FloatArray) -> None:
    end = data.high if data.high is not None else float(np.nansum(values, 1).max())
    for y, row in enumerate(np.nan_to_num(values)):
        left = 0.0
        for k, (name, length) in enumerate(zip(data.columns, row, strict=True)):
            grey = 1 - 0.85 * k / max(1, len(data.columns) - 1)
            axis.barh(y, length, left=left, color=str(grey), edgecolor=INK, lw=0.4)
            if length >= NARROWEST_NAMED * end:
                colour = "w" if grey < 0.5 else INK
                axis.text(left + length / 2, y, name, ha="center", va="center", color=colour)
            left += length
    axis.set_yticks(range(len(data.rows)), data.rows)
    axis.invert_yaxis()
    axis.set_xlim(0, end)


def _grid(axis: Axes, data: FigureData, values: FloatArray) -> None:
    low = data.low if data.low is not None else float(np.nanmin(values))
    high = data.high if data.high is not None else float(np.nanmax(values))
    draw_grid(axis, values, data.scale, low, high)
    size = max(4, 9 - max(len(data.rows), len(data.columns)) // 8)
    axis.set_yticks(np.arange(len(data.rows)) + 0.5, data.rows, fontsize=size)
    axis.set_xticks(np.arange(len(data.columns)) + 0.5, data.columns, rotation=90, fontsize=size)


def _series(axis: Axes, data: FigureData, values: FloatArray) -> None:
    for k, (name, row) in enumerate(zip(data.rows, values, strict=True)):
        line = DASHES[k % len(DASHES)] if data.kind == "lines" else "none"
        marker, colour = MARKERS[k % len(MARKERS)], INK if k % 2 == 0 else MID
        axis.plot(data.x, row, ls=line, marker=marker, color=colour, ms=4, lw=1, label=name)
    axis.set_ylim(data.low, data.high)
    if len(data.rows) > 1:
        axis.legend(frameon=False)


DRAWN: dict[str, Callable[[Axes, FigureData, FloatArray], None]] = {
    "bars": _bars,
    "grid": _grid,
    "lines": _series,
    "points": _series,
}
