"""Figures of the report: trials and the report's numbers in, SVG or PDF bytes out.

Vector, in shades of grey (markers and hatches tell things apart, never colour), the same bytes every time: no
date, fixed identifiers. Matplotlib, so only for the Celery queue ``reports`` and the commands; no pyplot and
hence no window system.
"""

import io
from collections.abc import Callable, Mapping
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from survey_site.statistics.answer_scale import CANT_TELL
from survey_site.statistics.data import MATCHING, RATING, FloatArray, Trials
from survey_site.statistics.order import position_in_task

Format = Literal["svg", "pdf"]
Report = Mapping[str, Any]
STYLE: Any = {
    "svg.hashsalt": "saliency-survey", "svg.fonttype": "path", "pdf.fonttype": 42, "pdf.compression": 6,
    "font.family": "DejaVu Sans", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False,
    "axes.titlesize": 10, "axes.titlelocation": "left", "hatch.linewidth": 0.6, "image.cmap": "Greys",
}  # fmt: skip
INK, MID, PALE = "#1a1a1a", "#808080", "#d0d0d0"
POINTS_MAX, CLASSES_MAX, ROWS_MAX, VECTOR_CELLS_MAX = 400, 40, 300, 10_000


def render(figure: Figure, fmt: Format) -> bytes:
    """The figure as bytes without a creation date."""
    out = io.BytesIO()
    dates = {"Date": None} if fmt == "svg" else {"CreationDate": None, "ModDate": None}
    with mpl.rc_context(STYLE):
        figure.savefig(out, format=fmt, metadata=dates, bbox_inches="tight")
    return out.getvalue()


def _new(width: float, height: float, columns: int = 1) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, list(np.atleast_1d(figure.subplots(1, columns)))


def _nothing(axis: Axes, text: str = "no answers") -> None:
    axis.text(0.5, 0.5, text, ha="center", va="center", transform=axis.transAxes, color=MID)
    axis.set_xticks([])
    axis.set_yticks([])


def participant_points(trials: Trials, column: str) -> FloatArray:
    """Mean answer of each participant in a column; thinned evenly above 400."""
    own = trials.select(trials.column.equals(column)).answered()
    counts = np.bincount(own.participant.codes)
    means = np.sort(np.bincount(own.participant.codes, own.value)[counts > 0] / counts[counts > 0])
    if len(means) > POINTS_MAX:
        means = means[np.linspace(0, len(means) - 1, POINTS_MAX).astype(int)]
    return np.asarray(means, np.float64)


def _estimates(
    axis: Axes, trials: Trials, rows: list[dict[str, Any]], key: str, factor: float, label: str
) -> None:
    names = [row["column"] for row in rows]
    for k, row in enumerate(rows):
        points = factor * participant_points(trials, row["column"])
        # Equal values are spread sideways, so that a pile of points is seen as one.
        first = np.searchsorted(points, points, "left")
        offset = 0.12 + 0.25 * (np.arange(len(points)) - first) / np.bincount(first, minlength=1).max(
            initial=1
        )
        axis.plot(k + offset, points, "o", ms=2, mfc="none", mec=MID, mew=0.5)
        value, interval = row["estimate"][key], row["estimate"]["ci"]
        if value is not None:
            axis.plot([k - 0.1], [value], "D", ms=5, color=INK)
        if interval is not None:
            axis.vlines(k - 0.1, *interval, color=INK, lw=1.4)
    axis.set_xticks(range(len(names)), names, rotation=30, ha="right")
    axis.set_ylabel(label)


def faith_and_index(report: Report, trials: Trials) -> Figure:
    """Faith and index per column: estimate (diamond), interval (bar) and the participants' means (circles)."""
    with mpl.rc_context(STYLE):
        figure, axes = _new(9, 3.6, 2)
        specs = (
            ("faith", MATCHING, "percent", 100.0, "Human Faith %"),
            ("index", RATING, "mean", 1.0, "Interpretability Index"),
        )
        for axis, (outcome, task, key, factor, label) in zip(axes, specs, strict=True):
            rows = [{"column": c["column"], "estimate": c[outcome]} for c in report["columns"]]
            _estimates(axis, trials.of_task(task), rows, key, factor, label)
        axes[0].set_ylim(-4, 104)
        chance = [c["faith"]["chance"].get("chance_percent") for c in report["columns"]]
        known = {round(x, 6) for x in chance if x is not None}
        if len(known) == 1:
            level = known.pop()
            axes[0].axhline(level, color=MID, ls=":", lw=1)
            axes[0].annotate(
                "chance", (1, level), xycoords=("axes fraction", "data"), ha="right", va="bottom", color=MID
            )
    return figure


def rating_distributions(report: Report, trials: Trials) -> Figure:
    """Share of each rating per column, one stacked bar each: darker is higher, with the number inside."""
    with mpl.rc_context(STYLE):
        rows = [c for c in report["columns"] if c["index"]["n"]]
        figure, (axis,) = _new(8, 0.9 + 0.42 * max(1, len(rows)))
        if not rows:
            _nothing(axis)
            return figure
        levels = list(rows[0]["index"]["distribution"])
        for y, row in enumerate(rows):
            left = 0.0
            for k, level in enumerate(levels):
                share = 100 * row["index"]["distribution"][level] / row["index"]["n"]
                grey = 1 - 0.85 * k / max(1, len(levels) - 1)
                axis.barh(y, share, left=left, color=str(grey), edgecolor=INK, lw=0.4)
                if share >= 4:
                    axis.text(
                        left + share / 2, y, level, ha="center", va="center", color="w" if grey < 0.5 else INK
                    )
                left += share
        axis.set_yticks(range(len(rows)), [row["column"] for row in rows])
        axis.invert_yaxis()
        axis.set_xlim(0, 100)
        axis.set_xlabel("% of ratings (number: the rating)")
    return figure


def _grid(axis: Axes, values: FloatArray, label: str, vmin: float, vmax: float) -> None:
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


def class_confusion(report: Report, trials: Trials) -> Figure:
    """Which class people picked (columns) for maps of each class (rows); the 40 most frequent classes."""
    matching = trials.of_task(MATCHING).answered()
    known = matching.select(matching.stimulus_class.codes >= 0)
    with mpl.rc_context(STYLE):
        figure, (axis,) = _new(6.4, 5.6)
        if not len(known):
            _nothing(axis)
            return figure
        counts = np.bincount(known.stimulus_class.codes, minlength=len(known.stimulus_class.labels))
        top = np.sort(np.argsort(-counts, kind="stable")[: min(CLASSES_MAX, int((counts > 0).sum()))])
        names = [known.stimulus_class.labels[c] for c in top]
        picked = [*names, "another class", "can't tell"]
        table = _confusion(known, names)
        with np.errstate(invalid="ignore"):
            _grid(axis, 100 * table / table.sum(1, keepdims=True), "% of answers", 0, 100)
        size = max(4, 9 - len(names) // 8)
        axis.set_yticks(np.arange(len(names)) + 0.5, names, fontsize=size)
        axis.set_xticks(np.arange(len(picked)) + 0.5, picked, rotation=90, fontsize=size)
        axis.set_ylabel("class of the source image")
        axis.set_xlabel("class of the picked image")
    return figure


def _confusion(known: Trials, names: list[str]) -> FloatArray:
    place = {name: k for k, name in enumerate(names)}
    rows = np.array([place.get(label, -1) for label in known.stimulus_class.labels])[
        known.stimulus_class.codes
    ]
    to = np.array([place.get(label, len(names)) for label in known.choice_class.labels] + [len(names)])
    columns = np.where(known.choice.equals(CANT_TELL), len(names) + 1, to[known.choice_class.codes])
    wanted, width = rows >= 0, len(names) + 2
    flat = np.bincount(rows[wanted] * width + columns[wanted], minlength=len(names) * width)
    return flat.reshape(len(names), width).astype(np.float64)


def learning(report: Report, trials: Trials) -> Figure:
    """Mean answer at each trial position of the task, over all columns, ± 1.96 naive standard errors."""
    with mpl.rc_context(STYLE):
        figure, axes = _new(9, 3.2, 2)
        specs = ((MATCHING, 100.0, "Human Faith %"), (RATING, 1.0, "Interpretability Index"))
        for axis, (task, factor, label) in zip(axes, specs, strict=True):
            own = trials.of_task(task).answered()
            axis.set_ylabel(label)
            axis.set_xlabel("position in the task")
            if not len(own) or np.isnan(own.position).any():
                _nothing(axis, "no answers with a position")
                continue
            rank = position_in_task(own)
            n = np.bincount(rank)
            mean = factor * np.bincount(rank, own.value) / n
            square = factor**2 * np.bincount(rank, own.value**2) / n
            half = 1.96 * np.sqrt(np.maximum(square - mean**2, 0) / n)
            x = np.arange(1, len(n) + 1)
            axis.fill_between(x, mean - half, mean + half, color=PALE, lw=0)
            axis.plot(x, mean, "-o", color=INK, ms=3, lw=1)
    return figure


def response_times(report: Report, trials: Trials) -> Figure:
    """Response times per column and task on a logarithmic scale: median, quartiles, 5–95 % whiskers."""
    with mpl.rc_context(STYLE):
        figure, axes = _new(9, 3.4, 2)
        for axis, task in zip(axes, (MATCHING, RATING), strict=True):
            own = trials.of_task(task)
            own = own.select(own.rt_ms > 0)
            names = [c["column"] for c in report["columns"] if own.column.equals(c["column"]).any()]
            axis.set_title(task)
            if not names:
                _nothing(axis, "no response times")
                continue
            boxes = [own.rt_ms[own.column.equals(name)] / 1000 for name in names]
            axis.boxplot(
                boxes, whis=(5, 95), showfliers=False, medianprops={"color": INK, "lw": 1.6},
                boxprops={"color": INK}, whiskerprops={"color": MID}, capprops={"color": MID},
            )  # fmt: skip
            axis.set_yscale("log")
            low, high = axis.get_ylim()
            axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.yaxis.set_major_formatter(FuncFormatter(lambda seconds, _: f"{seconds:g}"))
            axis.yaxis.set_minor_locator(NullLocator())
            axis.set_ylim(low, high)
            axis.set_ylabel("response time, s")
            axis.set_xticks(range(1, len(names) + 1), names, rotation=30, ha="right")
    return figure


def answers_heat_map(report: Report, trials: Trials) -> Figure:
    """Participants × images: mean rating, or share right where a study has matching only; hatched: not shown."""
    rating, plan = trials.of_task(RATING).answered(), report["plan"]
    own = rating if len(rating) else trials.of_task(MATCHING).answered()
    low, high = (plan["rating_min"], plan["rating_max"]) if len(rating) else (0, 1)
    with mpl.rc_context(STYLE):
        figure, (axis,) = _new(8, 5)
        if not len(own):
            _nothing(axis)
            return figure
        person, people = _first_codes(own.participant.codes)
        image, images = _first_codes(own.stimulus.codes)
        inside = (person < people) & (image < images)
        cell = person[inside] * images + image[inside]
        n = np.bincount(cell, minlength=people * images)
        with np.errstate(invalid="ignore"):
            means = np.bincount(cell, own.value[inside], people * images) / n
        _grid(axis, means.reshape(people, images), "rating" if len(rating) else "right", low, high)
        axis.set_ylabel("participant")
        axis.set_xlabel("image")
    return figure


def _first_codes(codes: Any) -> tuple[Any, int]:
    """Dense codes and how many of them to draw: at most 300."""
    used, dense = np.unique(codes, return_inverse=True)
    return dense, min(len(used), ROWS_MAX)


def participant_flow(report: Report, trials: Trials) -> Figure:
    """From started to analysed, with the reasons of those who left beside the arrows."""
    flow = report["flow"]
    steps = [
        (name.replace("_", " "), flow[name])
        for name in ("started", "consented", "finished", "with_answers", "analysed")
    ]
    by_rules = flow.get("excluded_by_rules") or {}
    if by_rules:
        steps.append(("after the declared rules", flow["after_rules"]))
    steps = [(name, n) for name, n in steps if n is not None]
    aside = {
        "with answers": {k: n for k, n in flow["apart"].items() if n},
        "analysed": flow["excluded"],
        "after the declared rules": by_rules,
    }
    with mpl.rc_context(STYLE):
        figure, (axis,) = _new(5.5, 0.8 + 0.85 * len(steps))
        axis.axis("off")
        axis.set_xlim(0, 1)
        axis.set_ylim(-len(steps) + 0.4, 0.6)
        for k, (name, n) in enumerate(steps):
            box = {"boxstyle": "round,pad=0.4", "fc": "w", "ec": INK}
            axis.text(0.28, -k, f"{name}: {n}", ha="center", va="center", bbox=box)
            if k:
                arrow = {"arrowstyle": "->", "color": INK}
                axis.annotate("", (0.28, -k + 0.25), (0.28, -k + 0.75), arrowprops=arrow)
                left = "\n".join(
                    f"{reason.replace('_', ' ')}: {m}" for reason, m in aside.get(name, {}).items()
                )
                axis.text(0.5, -k + 0.5, left, ha="left", va="center", color=INK, fontsize=8)
    return figure


FIGURES: dict[str, Callable[[Report, Trials], Figure]] = {
    "faith-and-index": faith_and_index,
    "rating-distributions": rating_distributions,
    "class-confusion": class_confusion,
    "learning": learning,
    "response-times": response_times,
    "answers": answers_heat_map,
    "participant-flow": participant_flow,
}


def draw(name: str, report: Report, trials: Trials, fmt: Format) -> bytes:
    """One figure by name. ``trials`` are those that count (``quality.analysed``), ``report`` their report."""
    if name not in FIGURES:
        raise ValueError(f"no figure {name!r}; there are {', '.join(FIGURES)}")
    return render(FIGURES[name](report, trials), fmt)
