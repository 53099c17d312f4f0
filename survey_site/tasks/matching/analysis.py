"""What the report adds of the matches: guessing, classes, “can't tell”, places. Only for the worker of reports."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from survey_site.statistics import agreement, chance, comparisons, observers, order
from survey_site.statistics.data import Trials
from survey_site.statistics.estimates import samples_by_column, share
from survey_site.statistics.factor import FloatArray
from survey_site.statistics.figure_data import FigureData
from survey_site.statistics.plan import AnalysisPlan
from survey_site.statistics.printing import interval, interval_name, p_value, places
from survey_site.statistics.report_types import AgreementRow, AlphaAgreement, Section
from survey_site.statistics.task_analysis import Columns, TaskAnalysis
from survey_site.statistics.uncertainty import difference, ratio
from survey_site.tasks.matching import observer_sections
from survey_site.tasks.matching.answers import CANT_TELL

CLASSES_MAX = 40
KEY, TASK = "faith", "matching"


def estimate(trials: Trials, plan: AnalysisPlan) -> dict[str, Any]:
    """Beside Faith: timeouts as wrong, agreement of the class, and the count of "can't tell"."""
    return {
        "cant_tell": int(trials.declined.sum()),
        "timeouts_as_wrong": share(_late_as_wrong(trials), plan.level),
        "class": share(trials.by_second_score(), plan.level),
    }


def _late_as_wrong(trials: Trials) -> Trials:
    return trials.with_values(np.where(trials.timeout, 0.0, trials.value))


def column(trials: Trials, plan: AnalysisPlan) -> dict[str, Any]:
    """A whole column against guessing, and beside the synthetic observers where they were tried."""
    found = {"chance": chance.against_chance(trials, plan.resamples, plan.seed, plan.level)}
    beside = observers.beside(trials, plan.level)
    return found | ({"observers": beside} if beside else {})


def scorings(trials: Trials) -> Iterator[tuple[str, Trials]]:
    """The answers under each way to count them."""
    yield "source image", trials
    yield "class", trials.by_second_score()
    yield "timeouts as wrong", _late_as_wrong(trials)
    yield "can't tell left out", trials.with_values(np.where(trials.declined, np.nan, trials.value))


def agreement_rows(trials: Trials, plan: AnalysisPlan) -> list[AgreementRow]:
    """Nominal α of the chosen image; units are pool × source × method. "Can't tell" is a value of its own."""
    title = "Krippendorff's α of the matches (nominal)"
    return [agreement.alpha_row(choice_alpha(trials, plan.level), KEY, title)]


def choice_alpha(trials: Trials, level: float = 0.95) -> AlphaAgreement:
    """Nominal α of the chosen images."""
    answered = trials.answered()
    answered = answered.select(answered.choice.codes >= 0)
    source = answered.item.codes * (len(answered.stimulus.labels) + 1) + answered.stimulus.codes
    unit = source * (len(answered.condition.labels) + 1) + answered.condition.codes
    return agreement.alpha_of(answered, unit, answered.choice.codes.astype(float), "nominal", level)


def sections(trials: Trials, plan: AnalysisPlan, columns: Columns) -> list[Section]:
    """Lift over guessing, people beside observers where they were tried, faith beyond edges where the study has such a
    control, and the places of the answers."""
    found = [_lift(columns), *observer_sections.sections(TASK, KEY, columns, plan.level)]
    if gains := beyond_edges(trials, plan, [column["column"] for column in columns]):
        found.append(_edges(gains, plan.level))
    return [*found, _places(trials)]


def _lift(columns: Columns) -> Section:
    rows = []
    for own in columns:
        lift = own[KEY]["chance"]
        rows.append(
            [
                own["column"],
                places(lift.get("chance_percent"), 1),
                places(lift.get("chance_corrected_share"), 2),
                places(lift.get("d_prime"), 2),
                chance.p_text(lift),
                p_value(lift.get("sign_flip_p")),
            ]
        )
    return {
        "key": "lift_over_guessing",
        "task": TASK,
        "title": "Lift over guessing",
        "lead": "",
        "headings": ["Column", "guessing, %", "chance-corrected share", "d′", "p, one-sided", "sign-flip p"],
        "rows": rows,
        "data": {own["column"]: own[KEY]["chance"] for own in columns},
    }


def beyond_edges(trials: Trials, plan: AnalysisPlan, names: list[str]) -> list[dict[str, Any]] | None:
    """Faith minus the faith of edges alone, in points: what the saliency adds to a drawing of the photo.

    None where the study has no control of edges.
    """
    if plan.edges_control not in names:
        return None
    samples = samples_by_column(trials, names)
    edges = samples[plan.edges_control]
    rows: list[dict[str, Any]] = []
    for name in names:
        if name == plan.edges_control:
            continue
        gain, times = difference(samples[name], edges, plan.level, 1), ratio(samples[name], edges, plan.level)
        rows.append(
            {
                "column": name,
                "difference_percent": None if gain.value is None else 100 * gain.value,
                "ci": gain.interval.pair(100),
                "p": comparisons.t_test(gain),
                "ratio": times.value,
                "ratio_ci": times.interval.pair(),
                "reason": gain.interval.reason,
                "p_holm": None,
            }
        )
    tested = [row["p"] if row["column"] not in plan.controls else None for row in rows]
    for row, p in zip(rows, comparisons.holm(tested), strict=True):
        row["p_holm"] = p
    return rows


def _edges(gains: list[dict[str, Any]], level: float) -> Section:
    return {
        "key": "beyond_edges",
        "task": TASK,
        "title": "Faith beyond edges",
        "lead": "Feature CAM draws edges of the photo into the map, so a match can come from the edges alone. This is "
        "each column's faith minus that of the edges without any CAM.",
        "headings": ["Column", "difference, points", interval_name(level), "ratio", "p (Holm)"],
        "rows": [
            [
                row["column"],
                places(row["difference_percent"], 0),
                interval(row["ci"], 0),
                places(row["ratio"], 2),
                p_value(row["p_holm"]),
            ]
            for row in gains
        ],
        "data": gains,
    }


def _places(trials: Trials) -> Section:
    used = order.answer_positions(trials)
    found = used.get("reason") or f"p = {p_value(used.get('p_chosen'))}"
    return {
        "key": "answer_positions",
        "task": TASK,
        "title": "Places of the answers",
        "lead": f"Places of the answers in the pool, Hotelling's T² of the participants against equal use: {found}.",
        "headings": [],
        "rows": [],
        "data": used,
    }


def notes(trials: Trials, plan: AnalysisPlan, columns: Columns) -> list[str]:
    """How what is not plainly right or wrong is counted, and what guessing gives."""
    out = ["Can't tell counts as wrong; timeouts count as missing, and as wrong beside it."]
    out += observer_sections.notes(KEY, columns)
    found = [own[KEY]["chance"] for own in columns if "pool_size" in own[KEY]["chance"]]
    if found:
        sizes = ", ".join(sorted({str(chance["pool_size"]) for chance in found}))
        levels = sorted(chance["chance_percent"] for chance in found)
        low, high = places(levels[0], 1), places(levels[-1], 1)
        out.append(
            f"Pool size {sizes}: guessing is right in {low if low == high else f'{low} to {high}'} % of trials."
        )
    return out


def figures(trials: Trials, columns: Columns) -> Mapping[str, FigureData]:
    """Which class people picked (columns) for maps of each class (rows); the 40 most frequent classes."""
    answered = trials.answered()
    known = answered.select(answered.stimulus_class.codes >= 0)
    counts = np.bincount(known.stimulus_class.codes, minlength=len(known.stimulus_class.labels))
    top = np.sort(np.argsort(-counts, kind="stable")[: min(CLASSES_MAX, int((counts > 0).sum()))])
    names = [known.stimulus_class.labels[code] for code in top]
    shares = [
        tuple(100 * number / sum(row) if sum(row) else None for number in row)
        for row in confusion(known, names).tolist()
    ]
    return {
        "class-confusion": FigureData(
            kind="grid",
            title="Confusion of classes in the matching task",
            legend="Row: class of the source image; column: class of the picked image. Hatched: never shown.",
            rows=tuple(names),
            columns=(*names, "another class", "can't tell"),
            values=tuple(shares),
            x_label="class of the picked image",
            y_label="class of the source image",
            scale="% of answers",
            low=0,
            high=100,
        )
    }


def confusion(known: Trials, names: list[str]) -> FloatArray:
    """How often an image of each class (rows) was matched with one of each class, another class, or none."""
    place = {name: k for k, name in enumerate(names)}
    rows = np.array([place.get(label, -1) for label in known.stimulus_class.labels], np.int64)[
        known.stimulus_class.codes
    ]
    to = np.array([place.get(label, len(names)) for label in known.choice_class.labels] + [len(names)])
    columns = np.where(known.choice.equals(CANT_TELL), len(names) + 1, to[known.choice_class.codes])
    wanted, width = rows >= 0, len(names) + 2
    flat = np.bincount(rows[wanted] * width + columns[wanted], minlength=len(names) * width)
    return flat.reshape(len(names), width).astype(np.float64)


ANALYSIS = TaskAnalysis(
    estimate=estimate,
    column=column,
    scorings=scorings,
    agreement=agreement_rows,
    sections=sections,
    notes=notes,
    figures=figures,
)
