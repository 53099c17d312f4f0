"""What every figure is drawn with: style, a figure with its axes, a grid of greys, and the bytes of the file.

Vector, in shades of grey (markers and hatches tell things apart, never colour), the same bytes every time: no
date, fixed identifiers. Matplotlib without pyplot, hence without a window system.
"""

import io
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from survey_site.statistics.factor import FloatArray

Format = Literal["svg", "pdf"]
STYLE: Any = {
    "svg.hashsalt": "saliency-survey", "svg.fonttype": "path", "pdf.fonttype": 42, "pdf.compression": 6,
    "font.family": "DejaVu Sans", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False,
    "axes.titlesize": 10, "axes.titlelocation": "left", "hatch.linewidth": 0.6, "image.cmap": "Greys",
    "text.parse_math": False,  # a name with two dollars is a name
}  # fmt: skip
INK, MID, PALE = "#1a1a1a", "#808080", "#d0d0d0"
VECTOR_CELLS_MAX = 10_000  # a grid of more is embedded as a picture


def render(figure: Figure, fmt: Format) -> bytes:
    """The figure as bytes without a creation date."""
    out = io.BytesIO()
    dates = {"Date": None} if fmt == "svg" else {"CreationDate": None, "ModDate": None}
    with mpl.rc_context(STYLE):
        figure.savefig(out, format=fmt, metadata=dates, bbox_inches="tight")
    return out.getvalue()


def new_figure(width: float, height: float, columns: int = 1) -> tuple[Figure, list[Axes]]:
    """A figure of so many inches, its axes side by side."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, list(np.atleast_1d(figure.subplots(1, columns)))


def say_nothing(axis: Axes, text: str = "no answers") -> None:
    """Empty axes with the reason."""
    axis.text(0.5, 0.5, text, ha="center", va="center", transform=axis.transAxes, color=MID)
    axis.set_xticks([])
    axis.set_yticks([])


def draw_grid(axis: Axes, values: FloatArray, label: str, vmin: float, vmax: float) -> None:
    """Values (rows, columns) as greys with their scale beside them; NaN is hatched."""
    mesh = axis.pcolormesh(
        np.ma.masked_invalid(values), cmap="Greys", vmin=vmin, vmax=vmax, edgecolors="none",
        rasterized=values.size > VECTOR_CELLS_MAX,
    )  # fmt: skip
    axis.patch.set(hatch="////", edgecolor=PALE, facecolor="w")  # empty cells are hatched, zeros are white
    axis.invert_yaxis()
    if isinstance(figure := axis.get_figure(), Figure):
        bar = figure.colorbar(mesh, ax=axis, label=label, shrink=0.8)
        if bar.solids is not None:  # Matplotlib would embed it as a picture
            bar.solids.set_rasterized(False)
