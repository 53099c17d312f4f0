"""What a paper says of a study, from its sealed protocol and its report: methods, and results in APA style.

Plain functions of plain data, in Markdown. Nothing is said that the two do not hold.
"""

from collections.abc import Mapping
from typing import Any

from survey_site.reports.differences import difference
from survey_site.reports.markdown import plain
from survey_site.reports.plan_words import (
    Document,
    assignment,
    bare,
    columns_of,
    exclusion,
    listed,
    measure,
    number,
    tasks_of,
    tests,
    title_of,
)
from survey_site.reports.report_types import ReportedOutcome, StudyReport, cell_of, level_of
from survey_site.statistics.column_types import Bounds, ComparedColumn, ComparisonFamily
from survey_site.statistics.comparison_types import EquivalenceFamily, EquivalenceRow
from survey_site.statistics.plan import AnalysisPlan
from survey_site.statistics.printing import places
from survey_site.statistics.stopping_types import StoppingReport


class NoComparisons(ValueError):
    """The report has point estimates alone; the message says what to do."""

    def __init__(self) -> None:
        super().__init__(
            "the comparisons need the statistics: ask without --points-only, with the extra 'reports'"
        )


def methods(document: Document, report: StudyReport) -> str:
    """Design, stimuli, participants, exclusion and analysis in one section."""
    design, plan = document["design"], AnalysisPlan.from_protocol(document)
    names = [plain(name) for name in columns_of(document)]
    tasks = [measure(task, settings) for task, settings in tasks_of(document)]
    before = "" if report["origin"] == "reconstruction" else " was sealed before the first participant and"
    sentences = [
        "## Methods",
        *([f"**{report['banner']}**"] if report["banner"] else []),
        f"**Design.** Each participant saw saliency maps of {number(len(names), 'kind')} ({listed(names)}) in "
        f"{number(len(tasks), 'task')}: {listed(tasks)}. {assignment(document, past=True)} The reference was "
        f"{plain(plan.reference)}.{_around(design)}",
        f"**Stimuli.** {_stimuli(document)}",
        f"**Participants.** {_people(document, report)}",
        f"**Analysis.** {tests(plan, past=True)}{_stopping(plan, report)} Intervals took participants and images as samples "
        "too; they are those of single comparisons, while *p* values are corrected.",
        f"The protocol{before} has the SHA-256 {report['protocol_hash']}.",
    ]
    return "\n\n".join(sentences) + "\n"


def _around(design: Mapping[str, Any]) -> str:
    """What came before and among the trials; nothing where nothing did."""
    practice, checks = design["practice_trials"], design["attention_checks"]
    told = f" Before the trials came {number(practice, 'practice trial')} with feedback." if practice else ""
    if checks:
        told += f" Among the trials {'was' if checks == 1 else 'were'} {number(checks, 'attention check')}."
    return told


def _stimuli(document: Document) -> str:
    design = document["design"]
    main = [s for s in document["stimuli"] if s["role"] == "main"]
    classes = {s["class"] for s in main if s["class"]}
    classifiers = sorted({plain(c["classifier"]) for c in document["conditions"] if c["classifier"]})
    count = number(len(main), "image")
    return (
        f"{count[:1].upper()}{count[1:]}"
        + (f" of {number(len(classes), 'class', 'classes')}" if classes else "")
        + f" {'was' if len(main) == 1 else 'were'} shown{_size(design)}, maps in the colour map "
        f"{plain(design['colour_map'])}."
        + (
            f" The explained {'classifier was' if len(classifiers) == 1 else 'classifiers were'} {listed(classifiers)}."
            if classifiers
            else ""
        )
    )


def _size(design: Mapping[str, Any]) -> str:
    """Empty where the document does not tell, as of a reconstruction."""
    side = design.get("image_px")
    return f" at {side} × {side} pixels" if side else ""


def _people(document: Document, report: StudyReport) -> str:
    """Who was asked for, came, was left out by which decision, and is analysed."""
    people, flow = report["population"], report.get("flow")
    told = [f"The design asked for {number(document['design']['target_participants'], 'participant')}."]
    if flow and flow["started"] is not None:
        told.append(
            f"{flow['started']} started, {flow['consented']} consented and {flow['finished']} finished."
        )
    reasons = [
        f"{n} for {reason.replace('_', ' ')}" for reason, n in (flow or {"excluded": {}})["excluded"].items()
    ]
    if reasons:
        told.append(f"Excluded by a decision: {listed(reasons)}.")
    told.append(f"The analysis rests on {number(people['participants'], 'participant')}{_simulated(report)}.")
    rules = exclusion(AnalysisPlan.from_protocol(document).rules)
    left = "" if flow is None else f"; under them {number(flow['after_rules'], 'participant')} would remain"
    told.append(
        f"Rules of exclusion declared beforehand: {rules}{left}."
        if rules != "none"
        else "No rule of exclusion was declared."
    )
    return " ".join(told)


def _simulated(report: StudyReport) -> str:
    people = report["population"]
    if not people["simulated"]:
        return ""
    who = "all" if people["simulated"] == people["participants"] else str(people["simulated"])
    return f", {who} of whom {'was' if who == '1' else 'were'} simulated by a program"


def _stopping(plan: AnalysisPlan, report: StudyReport) -> str:
    if plan.stopping is None:
        return ""
    told = f" {plain(plan.stopping.told(title_of(plan.stopping.outcome)))}"
    found = report.get("stopping")
    if found is None or not found["ended"]:
        return told
    return (
        f"{told} Estimates of {'this contrast' if plan.stopping.column else 'these contrasts'} are "
        "median-unbiased, with intervals of the stagewise order; all other comparisons are secondary."
    )


def results(report: StudyReport) -> str:
    """Every comparison in APA style, measure by measure. Raises NoComparisons for a report of point estimates."""
    if "comparisons" not in report:
        raise NoComparisons
    parts = ["## Results", *([f"**{report['banner']}**"] if report["banner"] else [])]
    parts += [_outcome(report, o, report["comparisons"][o["key"]]) for o in report["outcomes"]]
    return "\n\n".join(parts) + "\n"


def _outcome(report: StudyReport, outcome: ReportedOutcome, family: ComparisonFamily) -> str:
    unit, level = " %" if outcome["kind"] == "share" else "", level_of(report)
    estimates = []
    for column in report["columns"]:
        cell = cell_of(column, outcome["key"])
        if cell["text"]:
            told = (
                _ci(cell["ci"], outcome["interval_places"], level)
                or f"no interval: {plain(cell['ci_reason'] or 'not estimable')}"
            )
            estimates.append(f"{plain(column['column'])} {cell['text']}{unit} ({told}; *n* = {cell['n']})")
    if not estimates:
        return f"**{outcome['title']}.** No answers."
    head = f"**{outcome['title']}.** {'; '.join(estimates)}."
    if family["reason"]:
        return f"{head} {plain(family['reason'][:1].upper() + family['reason'][1:])}."
    sentences = [_comparison(outcome, family["reference"], row, level) for row in family["rows"]]
    stopping = report.get("stopping")
    if stopping and stopping["outcome"] == outcome["key"]:
        sentences.insert(0, _stopped(stopping))
    margin = report.get("equivalence", {}).get(outcome["key"])
    equal = [_equivalence(outcome, family["reference"], margin)] if margin else []
    return " ".join(filter(None, [head, *sentences, plain(family.get("caution") or ""), *equal]))


def _ci(bounds: Bounds | None, count: int, level: float) -> str:
    if not bounds:
        return ""
    low, high = (places(bound, count) for bound in bounds)
    return f"{100 * level:.4g} % CI [{low}, {high}]"


def _stopped(stopping: StoppingReport) -> str:
    """At which look the study ended, and what of the following the stopping has been taken out of."""
    taken = [look for look in stopping["looks"] if look["participants"] is not None]
    if not taken:
        return "No look was taken yet."
    last = taken[-1]
    if not stopping["ended"]:
        looks = f"{len(taken)} of {stopping['planned']} looks {'was' if len(taken) == 1 else 'were'} taken"
        return f"{looks}, and the study goes on."
    how = "when its boundary was reached" if stopping["reached"] else "without its boundary being reached"
    return (
        f"The study ended {how}, at look {last['number']} of {stopping['planned']} with {last['participants']} "
        "participants; estimates and *p* values of its stopping rule are corrected for the looks."
    )


def _comparison(outcome: ReportedOutcome, reference: str, row: ComparedColumn, level: float) -> str:
    name, base = plain(row["column"]), plain(reference)
    value = row.get("difference")
    if row["reason"] or value is None or row.get("p_holm") is None:
        return f"{name} against {base}: {plain(row['reason'] or 'not estimable')}."
    if row.get("significant"):
        verdict = f"{'exceeded' if value > 0 else 'fell below'} {base}"
    else:
        verdict = f"did not differ significantly from {base}"
    return (
        f"{name} {verdict}, difference {_points(value, outcome)}, "
        f"{_interval(row.get('difference_ci'), outcome, level)}*t*({row.get('df')}) = {places(row.get('t'), 2)}, "
        f"*p*{apa_p(row['p_holm'])}."
    )


def _points(value: float, outcome: ReportedOutcome) -> str:
    unit = "percentage points" if outcome["kind"] == "share" else "scale points"
    return f"{difference(value, outcome)} {unit}"


def _interval(bounds: Bounds | None, outcome: ReportedOutcome, level: float) -> str:
    if not bounds:
        return ""
    low, high = (difference(bound, outcome) for bound in bounds)
    return f"{100 * level:.4g} % CI [{low}, {high}], "


def _equivalence(outcome: ReportedOutcome, reference: str, family: EquivalenceFamily) -> str:
    if not family["rows"]:
        return ""
    margin, level = _points(family["margin"], outcome), family["interval_level"]
    told = [_against(outcome, row, level) for row in family["rows"]]
    caution = f" {family['caution']}" if "caution" in family else ""
    return f"Against the margin of {margin} from {plain(reference)} that was fixed beforehand: {'; '.join(told)}.{caution}"


def _against(outcome: ReportedOutcome, row: EquivalenceRow, level: float) -> str:
    name = plain(row["column"])
    if row["equivalence_p_holm"] is None:
        return f"{name}, {plain(row['reason'] or 'not estimable')}"
    equal = "equivalent" if row["equivalent"] else "equivalence not shown"
    least = "not inferior" if row["not_inferior"] else "non-inferiority not shown"
    return (
        f"{name} {_interval(row['ci'], outcome, level)}{equal} (*p*{apa_p(row['equivalence_p_holm'])}), {least} "
        f"(*p*{apa_p(row['non_inferiority_p_holm'])})"
    )


def apa_p(value: float | None) -> str:
    """` = .012`, ` < .001`, ` > .999`: no zero before the point."""
    if value is None:
        return " n/a"
    if value < 0.001:
        return f" < {bare(0.001)}"
    return " > .999" if value >= 0.9995 else f" = {value:.3f}".replace("0.", ".", 1)
