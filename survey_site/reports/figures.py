"""Figures of the report: trials, the report's numbers and the tasks' own data in, SVG or PDF bytes out.

Matplotlib, so only for the Celery queue ``reports`` and the commands.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

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
from survey_site.reports.figure_of_task import draw_data
from survey_site.reports.report_types import StudyReport
from survey_site.statistics.column_types import Bounds
from survey_site.statistics.data import Trials
from survey_site.statistics.factor import FloatArray, IntArray
from survey_site.statistics.figure_data import FigureData
from survey_site.statistics.order import position_in_task
from survey_site.statistics.outcome import OutcomeFacts

POINTS_MAX, ROWS_MAX = 400, 300
Drawn = tuple[str, float | None, Bounds | None]  # column, estimate and interval
OfTasks = Mapping[str, FigureData]


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


def _by_outcome(
    report: StudyReport, width: float, height: float
) -> tuple[Figure, Iterator[tuple[Axes, OutcomeFacts]]]:
    """A figure with an axis of so many inches for each outcome of the study, side by side."""
    asked: Sequence[OutcomeFacts] = report["outcomes"]
    figure, axes = new_figure(width * max(1, len(asked)), height, max(1, len(asked)))
    if not asked:
        say_nothing(axes[0])
    return figure, zip(axes, asked, strict=False)


def _cells(report: StudyReport, outcome: OutcomeFacts) -> list[tuple[str, dict[str, Any]]]:
    """Each column with its cell of the outcome."""
    return [(c["column"], cast(dict[str, Any], c)[outcome["key"]]) for c in report["columns"]]


def estimates(report: StudyReport, trials: Trials) -> Figure:
    """Each outcome per column: estimate (diamond), interval (bar) and the participants' means (circles)."""
    with mpl.rc_context(STYLE):
        figure, axes = _by_outcome(report, 4.5, 3.6)
        for axis, outcome in axes:
            cells = _cells(report, outcome)
            rows: list[Drawn] = [(name, cell[outcome["value"]], cell["ci"]) for name, cell in cells]
            _estimates(axis, trials.of_task(outcome["task"]), rows, outcome["factor"], outcome["heading"])
            if outcome["kind"] == "share":
                axis.set_ylim(-4, 104)
                _draw_chance(axis, [cell for _, cell in cells])
    return figure


def _draw_chance(axis: Axes, cells: Sequence[Mapping[str, Any]]) -> None:
    """The level of guessing, where it is the same in all columns."""
    known = {
        round(level, 6)
        for cell in cells
        if (level := cell.get("chance", {}).get("chance_percent")) is not None
    }
    if len(known) == 1:
        level = known.pop()
        axis.axhline(level, color=MID, ls=":", lw=1)
        axis.annotate(
            "chance", (1, level), xycoords=("axes fraction", "data"), ha="right", va="bottom", color=MID
        )


def learning(report: StudyReport, trials: Trials) -> Figure:
    """Mean answer at each trial position of the task, over all columns, ± 1.96 naive standard errors."""
    with mpl.rc_context(STYLE):
        figure, axes = _by_outcome(report, 4.5, 3.2)
        for axis, outcome in axes:
            own, factor = trials.of_task(outcome["task"]).answered(), float(outcome["factor"])
            axis.set_ylabel(outcome["heading"])
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
        figure, axes = _by_outcome(report, 4.5, 3.4)
        for axis, outcome in axes:
            own = trials.of_task(outcome["task"])
            own = own.select((own.rt_ms > 0) & ~own.further)
            names = [c["column"] for c in report["columns"] if own.column.equals(c["column"]).any()]
            axis.set_title(outcome["task"])
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
    """Participants × images of each outcome: mean score; hatched: not shown."""
    with mpl.rc_context(STYLE):
        figure, axes = _by_outcome(report, 6, 5)
        for axis, outcome in axes:
            _heat_map(axis, trials.of_task(outcome["task"]).answered(), outcome)
    return figure


def _heat_map(axis: Axes, own: Trials, outcome: OutcomeFacts) -> None:
    if not len(own):
        say_nothing(axis)
        return
    person, people = _first_codes(own.participant.codes)
    image, images = _first_codes(own.stimulus.codes)
    inside = (person < people) & (image < images)
    cell = person[inside] * images + image[inside]
    n = np.bincount(cell, minlength=people * images)
    with np.errstate(invalid="ignore"):
        means = outcome["factor"] * np.bincount(cell, own.value[inside], people * images) / n
    ends = outcome["factor"] * outcome["low"], outcome["factor"] * outcome["high"]
    draw_grid(axis, means.reshape(people, images), outcome["heading"], *ends)
    axis.set_ylabel("participant")
    axis.set_xlabel("image")


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
        **{name.replace("_", " "): dict(reasons) for name, reasons in flow["left"].items()},
        "analysed": flow["excluded"],
        "after the declared rules": by_rules,
    }
    if (beyond := flow["with_answers"] - (flow["finished"] or 0)) > 0 and flow["finished"] is not None:
        aside["with answers"]["more than finished, as the unfinished count"] = beyond
    never = [f"{name} {flow['apart'][name]}" for name in ("bots", "previews") if flow["apart"].get(name)]
    with mpl.rc_context(STYLE):
        figure, (axis,) = new_figure(5.5, 0.8 + 0.85 * len(steps))
        axis.axis("off")
        axis.set_xlim(0, 1)
        axis.set_ylim(-len(steps) + 0.4, 0.6)
        if never:
            axis.text(
                0.5, 0, f"not among them: {', '.join(never)}", ha="left", va="center", color=INK, fontsize=8
            )
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
    "estimates": estimates,
    "learning": learning,
    "response-times": response_times,
    "answers": answers_heat_map,
    "participant-flow": participant_flow,
}


def names(of_tasks: OfTasks) -> list[str]:
    """All figures of a report: the estimates, those of its tasks, and the other general ones."""
    first, *others = FIGURES
    return [first, *of_tasks, *others]


def figure(name: str, report: StudyReport, trials: Trials, of_tasks: OfTasks) -> Figure:
    """One figure by name. ``trials`` are those that count (``quality.analysed``), ``report`` their report.

    ``of_tasks``: what the study's tasks draw. Raises ValueError for a name that none has.
    """
    if name in of_tasks:
        return draw_data(of_tasks[name])
    if name not in FIGURES:
        raise ValueError(f"no figure {name!r}; there are {', '.join(names(of_tasks))}")
    return FIGURES[name](report, trials)


def draw(name: str, report: StudyReport, trials: Trials, of_tasks: OfTasks, fmt: Format) -> bytes:
    """The figure as the bytes of a file; with simulated people it says so."""
    drawn = figure(name, report, trials, of_tasks)
    if report.get("population", {}).get("simulated"):
        drawn.text(0.005, 0.005, "simulated participants", fontsize=7, ha="left", va="bottom")
    return render(drawn, fmt)
