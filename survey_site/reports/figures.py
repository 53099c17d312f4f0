"""Figures of the report: trials and the report's numbers in, SVG or PDF bytes out.

Matplotlib, so only for the Celery queue ``reports`` and the commands.
"""

from collections.abc import Callable

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from survey_site.reports.figure_drawing import (
    INK,
    MID,
    PALE,
    STYLE,
    Format,
    draw_grid,
    new_figure,
    render,
    say_nothing,
)
from survey_site.reports.report_types import StudyReport
from survey_site.statistics.answer_scale import CANT_TELL
from survey_site.statistics.column_types import Bounds
from survey_site.statistics.data import MATCHING, RATING, FloatArray, IntArray, Trials
from survey_site.statistics.order import position_in_task

POINTS_MAX, CLASSES_MAX, ROWS_MAX = 400, 40, 300
Drawn = tuple[str, float | None, Bounds | None]  # column, estimate and interval


def participant_points(trials: Trials, column: str) -> FloatArray:
    """Mean answer of each participant in a column; thinned evenly above 400."""
    own = trials.select(trials.column.equals(column)).answered()
    counts = np.bincount(own.participant.codes)
    means = np.sort(np.bincount(own.participant.codes, own.value)[counts > 0] / counts[counts > 0])
    if len(means) > POINTS_MAX:
        means = means[np.linspace(0, len(means) - 1, POINTS_MAX).astype(int)]
    return np.asarray(means, np.float64)


def _estimates(axis: Axes, trials: Trials, rows: list[Drawn], factor: float, label: str) -> None:
    for k, (name, value, interval) in enumerate(rows):
        points = factor * participant_points(trials, name)
        # Equal values are spread sideways, so that a pile of points is seen as one.
        first = np.searchsorted(points, points, "left")
        offset = 0.12 + 0.25 * (np.arange(len(points)) - first) / np.bincount(first, minlength=1).max(
            initial=1
        )
        axis.plot(k + offset, points, "o", ms=2, mfc="none", mec=MID, mew=0.5)
        if value is not None:
            axis.plot([k - 0.1], [value], "D", ms=5, color=INK)
        if interval is not None:
            axis.vlines(k - 0.1, interval[0], interval[1], color=INK, lw=1.4)
    axis.set_xticks(range(len(rows)), [name for name, _, _ in rows], rotation=30, ha="right")
    axis.set_ylabel(label)


def faith_and_index(report: StudyReport, trials: Trials) -> Figure:
    """Faith and index per column: estimate (diamond), interval (bar) and the participants' means (circles)."""
    with mpl.rc_context(STYLE):
        figure, axes = new_figure(9, 3.6, 2)
        faith: list[Drawn] = [
            (c["column"], c["faith"]["percent"], c["faith"]["ci"]) for c in report["columns"]
        ]
        index: list[Drawn] = [(c["column"], c["index"]["mean"], c["index"]["ci"]) for c in report["columns"]]
        _estimates(axes[0], trials.of_task(MATCHING), faith, 100.0, "Human Faith %")
        _estimates(axes[1], trials.of_task(RATING), index, 1.0, "Interpretability Index")
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


def rating_distributions(report: StudyReport, trials: Trials) -> Figure:
    """Share of each rating per column, one stacked bar each: darker is higher, with the number inside."""
    with mpl.rc_context(STYLE):
        rows = [c for c in report["columns"] if c["index"]["n"]]
        figure, (axis,) = new_figure(8, 0.9 + 0.42 * max(1, len(rows)))
        if not rows:
            say_nothing(axis)
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


def class_confusion(report: StudyReport, trials: Trials) -> Figure:
    """Which class people picked (columns) for maps of each class (rows); the 40 most frequent classes."""
    matching = trials.of_task(MATCHING).answered()
    known = matching.select(matching.stimulus_class.codes >= 0)
    with mpl.rc_context(STYLE):
        figure, (axis,) = new_figure(6.4, 5.6)
        if not len(known):
            say_nothing(axis)
            return figure
        counts = np.bincount(known.stimulus_class.codes, minlength=len(known.stimulus_class.labels))
        top = np.sort(np.argsort(-counts, kind="stable")[: min(CLASSES_MAX, int((counts > 0).sum()))])
        names = [known.stimulus_class.labels[c] for c in top]
        picked = [*names, "another class", "can't tell"]
        table = _confusion(known, names)
        with np.errstate(invalid="ignore"):
            draw_grid(axis, 100 * table / table.sum(1, keepdims=True), "% of answers", 0, 100)
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


def learning(report: StudyReport, trials: Trials) -> Figure:
    """Mean answer at each trial position of the task, over all columns, ± 1.96 naive standard errors."""
    with mpl.rc_context(STYLE):
        figure, axes = new_figure(9, 3.2, 2)
        specs = ((MATCHING, 100.0, "Human Faith %"), (RATING, 1.0, "Interpretability Index"))
        for axis, (task, factor, label) in zip(axes, specs, strict=True):
            own = trials.of_task(task).answered()
            axis.set_ylabel(label)
            axis.set_xlabel("position in the task")
            if not len(own) or np.isnan(own.position).any():
                say_nothing(axis, "no answers with a position")
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


def response_times(report: StudyReport, trials: Trials) -> Figure:
    """Response times per column and task on a logarithmic scale: median, quartiles, 5–95 % whiskers."""
    with mpl.rc_context(STYLE):
        figure, axes = new_figure(9, 3.4, 2)
        for axis, task in zip(axes, (MATCHING, RATING), strict=True):
            own = trials.of_task(task)
            own = own.select(own.rt_ms > 0)
            names = [c["column"] for c in report["columns"] if own.column.equals(c["column"]).any()]
            axis.set_title(task)
            if not names:
                say_nothing(axis, "no response times")
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


def answers_heat_map(report: StudyReport, trials: Trials) -> Figure:
    """Participants × images: mean rating, or share right where a study has matching only; hatched: not shown."""
    rating, plan = trials.of_task(RATING).answered(), report["plan"]
    own = rating if len(rating) else trials.of_task(MATCHING).answered()
    low, high = (plan["rating_min"], plan["rating_max"]) if len(rating) else (0, 1)
    with mpl.rc_context(STYLE):
        figure, (axis,) = new_figure(8, 5)
        if not len(own):
            say_nothing(axis)
            return figure
        person, people = _first_codes(own.participant.codes)
        image, images = _first_codes(own.stimulus.codes)
        inside = (person < people) & (image < images)
        cell = person[inside] * images + image[inside]
        n = np.bincount(cell, minlength=people * images)
        with np.errstate(invalid="ignore"):
            means = np.bincount(cell, own.value[inside], people * images) / n
        draw_grid(axis, means.reshape(people, images), "rating" if len(rating) else "right", low, high)
        axis.set_ylabel("participant")
        axis.set_xlabel("image")
    return figure


def _first_codes(codes: IntArray) -> tuple[IntArray, int]:
    """Dense codes and how many of them to draw: at most 300."""
    used, dense = np.unique(codes, return_inverse=True)
    return dense, min(len(used), ROWS_MAX)


def participant_flow(report: StudyReport, trials: Trials) -> Figure:
    """From started to analysed, with the reasons of those who left beside the arrows."""
    flow = report["flow"]
    counted = [
        ("started", flow["started"]),
        ("consented", flow["consented"]),
        ("finished", flow["finished"]),
        ("with answers", flow["with_answers"]),
        ("analysed", flow["analysed"]),
    ]
    by_rules = flow.get("excluded_by_rules") or {}
    if by_rules:
        counted.append(("after the declared rules", flow["after_rules"]))
    steps = [(name, n) for name, n in counted if n is not None]
    aside = {
        "with answers": {k: n for k, n in flow["apart"].items() if n},
        "analysed": flow["excluded"],
        "after the declared rules": by_rules,
    }
    with mpl.rc_context(STYLE):
        figure, (axis,) = new_figure(5.5, 0.8 + 0.85 * len(steps))
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


FIGURES: dict[str, Callable[[StudyReport, Trials], Figure]] = {
    "faith-and-index": faith_and_index,
    "rating-distributions": rating_distributions,
    "class-confusion": class_confusion,
    "learning": learning,
    "response-times": response_times,
    "answers": answers_heat_map,
    "participant-flow": participant_flow,
}


def draw(name: str, report: StudyReport, trials: Trials, fmt: Format) -> bytes:
    """One figure by name. ``trials`` are those that count (``quality.analysed``), ``report`` their report."""
    if name not in FIGURES:
        raise ValueError(f"no figure {name!r}; there are {', '.join(FIGURES)}")
    return render(FIGURES[name](report, trials), fmt)
