"""What a paper says of a study, from its sealed protocol and its report: methods, results (APA style), preregistration.

Plain functions of plain data, in Markdown; `latex` turns a text into LaTeX. Nothing is said that the two do not hold.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from survey_site.reports.differences import difference
from survey_site.reports.latex_table import tex
from survey_site.reports.report_types import ReportedOutcome, StudyReport, cell_of
from survey_site.statistics.column_types import ComparedColumn, ComparisonFamily
from survey_site.statistics.plan import TOGETHER, AnalysisPlan
from survey_site.statistics.printing import places
from survey_site.statistics.stopping_types import StoppingReport

Document = Mapping[str, Any]


class NoComparisons(ValueError):
    """The report has point estimates alone; the message says what to do."""

    def __init__(self) -> None:
        super().__init__(
            "the comparisons need the statistics: ask without --points-only, with the extra 'reports'"
        )


def listed(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else "none"


def _columns(document: Document) -> list[str]:
    """The columns that the design has, in their order; a plan may name others."""
    return list(dict.fromkeys(condition["column"] for condition in document["conditions"]))


def methods(document: Document, report: StudyReport) -> str:
    """Design, stimuli, maps, people, exclusion and analysis in one section."""
    design, plan = document["design"], AnalysisPlan.from_protocol(document)
    columns = _columns(document)
    classifiers = sorted({c["classifier"] for c in document["conditions"] if c["classifier"]})
    main = [s for s in document["stimuli"] if s["role"] == "main"]
    classes = {s["class"] for s in main if s["class"]}
    tasks = [
        f"{outcome['title']} ({document['tasks'][outcome['task']].get('trials_per_column')} trials per column)"
        for outcome in report["outcomes"]
        if outcome["task"] in document["tasks"]
    ]
    people = report["population"]
    sentences = [
        "## Methods\n",
        f"**Design.** Each participant saw saliency maps of {len(columns)} kinds ({listed(columns)}) and answered for "
        f"{listed(tasks)}. Columns were assigned to images by a cyclic Latin square, so that nobody saw an image under two "
        f"of them; the reference is {plan.reference}.",
        f"Before the trials came {_number(design['practice_trials'], 'practice trial')} with feedback, and "
        f"{_number(design['attention_checks'], 'attention check')} were spread among them.",
        f"**Stimuli.** {_number(len(main), 'image')}"
        + (f" of {_number(len(classes), 'class', 'classes')}" if classes else "")
        + f", shown at {design['image_px']} × {design['image_px']} pixels in the colour map {design['colour_map']}; "
        + (
            f"the explained classifiers are {listed(classifiers)}."
            if classifiers
            else "no classifier is named."
        ),
        f"**Participants.** The design asked for {design['target_participants']}; {people['participants']} are analysed"
        + (f", of which {people['simulated']} are simulated." if people["simulated"] else "."),
        f"**Analysis.** {_analysis(plan)}",
        f"The protocol was sealed before the first participant (SHA-256 {report['protocol_hash']}).",
    ]
    return "\n\n".join(sentences)


def _number(count: int, one: str, many: str = "") -> str:
    return f"{count or 'no'} {one if count == 1 else many or one + 's'}"


def _analysis(plan: AnalysisPlan) -> str:
    rules = plan.rules
    exclusion = [
        text
        for value, text in (
            (rules.failed_checks, f"{rules.failed_checks} or more failed attention checks"),
            (
                rules.flagged_share,
                f"over {100 * (rules.flagged_share or 0):.0f} % of answers outside the allowed times",
            ),
            (rules.straight_lining, "the same score throughout"),
            (
                rules.position_alpha,
                f"one answer position chosen improbably often (p < {rules.position_alpha})",
            ),
        )
        if value
    ]
    margins = "".join(
        f" The margin of equivalence of {key} is {value:g}." for key, value in plan.margins.items()
    )
    return (
        f"Columns are compared with {plan.reference} by two-way clustered t-tests that take participants and images as "
        f"samples, at α = {plan.alpha:.2g}, corrected by Holm's method over the columns of {_family(plan)}"
        + (f"; {listed(list(plan.controls))} are controls outside these families" if plan.controls else "")
        + f". Declared rules of exclusion: {'; '.join(exclusion) or 'none'}.{margins}{_stopping(plan)}"
    )


def _family(plan: AnalysisPlan) -> str:
    return "all measures together" if plan.families == TOGETHER else "each measure"


def _stopping(plan: AnalysisPlan) -> str:
    if plan.stopping is None:
        return ""
    return (
        f" {plan.stopping.told} Estimates of these contrasts are median-unbiased, their intervals those of the stagewise "
        "order; the other comparisons are secondary."
    )


def results(report: StudyReport) -> str:
    """Every comparison in APA style, measure by measure. Raises NoComparisons for a report of point estimates."""
    if "comparisons" not in report:
        raise NoComparisons
    parts = ["## Results\n"]
    if report["banner"]:
        parts.append(f"**{report['banner']}**")
    for outcome in report["outcomes"]:
        parts.append(_outcome(report, outcome, report["comparisons"][outcome["key"]]))
    return "\n\n".join(parts)


def _outcome(report: StudyReport, outcome: ReportedOutcome, family: ComparisonFamily) -> str:
    unit = " %" if outcome["kind"] == "share" else ""
    estimates = []
    for column in report["columns"]:
        cell = cell_of(column, outcome["key"])
        if cell["text"]:
            bounds = cell["ci"]
            count = outcome["interval_places"]
            told = f", 95 % CI [{bounds[0]:.{count}f}, {bounds[1]:.{count}f}]" if bounds else ""
            estimates.append(f"{column['column']} {cell['text']}{unit} (n = {cell['n']}{told})")
    head = f"**{outcome['title']}.** " + ("; ".join(estimates) + "." if estimates else "No answers.")
    if family["reason"]:
        return f"{head} {family['reason'][:1].upper()}{family['reason'][1:]}."
    sentences = [_comparison(outcome, family["reference"], row) for row in family["rows"]]
    stopping = report.get("stopping")
    if stopping and stopping["outcome"] == outcome["key"]:
        sentences.insert(0, _stopped(stopping))
    return " ".join([head, *sentences, family.get("caution") or ""]).strip()


def _stopped(stopping: StoppingReport) -> str:
    """At which look the study ended, and what of the following the stopping has been taken out of."""
    taken = [look for look in stopping["looks"] if look["participants"] is not None]
    if not taken:
        return "No look was taken yet."
    last = taken[-1]
    how = "when the boundary was reached" if stopping["reached"] else "without its boundary being reached"
    if not stopping["ended"]:
        return f"{len(taken)} of {len(stopping['looks'])} looks were taken, and the study goes on."
    return (
        f"The study ended {how}, at look {last['number']} of {stopping['planned']} with {last['participants']} "
        "participants; estimates and p-values of its rule are corrected for the looks."
    )


def _comparison(outcome: ReportedOutcome, reference: str, row: ComparedColumn) -> str:
    if row["reason"] or row.get("difference") is None or row.get("p_holm") is None:
        return f"{row['column']} against {reference}: {row['reason'] or 'not estimable'}."
    unit = " points" if outcome["kind"] == "share" else ""
    low, high = (difference(bound, outcome) for bound in row.get("difference_ci") or (None, None))
    verdict = "differed from" if row.get("significant") else "did not differ significantly from"
    return (
        f"{row['column']} {verdict} {reference} by {difference(row.get('difference'), outcome)}{unit}, "
        f"95 % CI [{low}, {high}], *t*({row.get('df')}) = {places(row.get('t'), 2)}, *p*{apa_p(row['p_holm'])} (Holm)."
    )


def apa_p(value: float | None) -> str:
    """` = .012`, ` < .001`: no zero before the point."""
    if value is None:
        return " n/a"
    return " < .001" if value < 0.001 else f" = {value:.3f}".replace("0.", ".", 1)


def preregistration(document: Document, sha256: str) -> str:
    """The sealed plan under the headings of the OSF preregistration template."""
    design, plan = document["design"], AnalysisPlan.from_protocol(document)
    columns = _columns(document)
    others = [name for name in columns if name != plan.reference and name not in plan.controls]
    tasks = [f"{name}: {_settings(values)}" for name, values in document["tasks"].items()]
    rules = "; ".join(f"{name} {value}" for name, value in plan.rules.__dict__.items() if value is not None)
    sections = (
        ("Title", document["study"]["title"]),
        (
            "Hypotheses",
            f"Each of {listed(others)} differs from {plan.reference}, for every measure (two-sided).",
        ),
        ("Study type", "Experiment: every participant judges maps of all columns (within participants)."),
        (
            "Blinding",
            "Participants are not told which method made a map; addresses of pictures do not tell it either.",
        ),
        (
            "Study design",
            f"Columns: {listed(columns)}. Cyclic Latin square over images and columns. {' '.join(tasks)}",
        ),
        (
            "Randomization",
            f"Seed {design['seed']}; order and places from the seed and the participant's ticket.",
        ),
        ("Existing data", "None: the protocol is sealed before the first participant."),
        (
            "Sample size",
            f"{design['target_participants']} participants who finish"
            + (", unless the study stops before." if plan.stopping else "."),
        ),
        (
            "Stopping rule",
            (plan.stopping.told if plan.stopping else "The sample size above")
            + ("" if plan.stopping else "; nobody sees results by column before the study is closed.")
            + (" Until then it is only said whether the study goes on." if plan.stopping else ""),
        ),
        ("Manipulated variables", f"The saliency method: {listed(columns)}."),
        ("Measured variables", "; ".join(tasks)),
        ("Statistical models", _analysis(plan)),
        (
            "Inference criteria",
            f"α = {plan.alpha:.2g} after Holm's correction over the columns of {_family(plan)}; intervals of "
            f"{100 * plan.level:g} %.",
        ),
        ("Data exclusion", rules or "none"),
        ("Missing data", "Answers that timed out are missing; all estimates use every answer there is."),
        (
            "Exploratory analysis",
            "All pairs of columns, mixed models, order effects, agreement, the multiverse.",
        ),
        ("Other", f"SHA-256 of the sealed protocol: {sha256}"),
    )
    return "\n\n".join(f"### {title}\n\n{text}" for title, text in sections) + "\n"


def _settings(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items() if value not in ("", [], None)) + "."


def latex(markdown: str) -> str:
    """The Markdown of these texts (headings, bold, italics) as LaTeX."""
    return "\n".join(map(_latex_line, markdown.splitlines())) + "\n"


def _latex_line(line: str) -> str:
    for mark, command in (("### ", "subsection"), ("## ", "section")):
        if line.startswith(mark):
            return f"\\{command}*{{{tex(line.removeprefix(mark))}}}"
    return "".join(_spans(line))


def _spans(line: str) -> Iterable[str]:
    for span in re.split(r"(\*\*.+?\*\*|\*[^*]+?\*)", line):
        if span.startswith("**") and len(span) > 4:
            yield f"\\textbf{{{tex(span[2:-2])}}}"
        elif span.startswith("*") and len(span) > 2:
            yield f"\\emph{{{tex(span[1:-1])}}}"
        else:
            yield tex(span)
