"""The planned analysis tried on simulated participants whose true effects are known. Pure; NumPy and SciPy.

First scores count, whatever the study's settings: the effects are planted on them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import sqrt
from typing import Any

from scipy import stats

from survey_site.reports import task_analyses
from survey_site.reports.rehearsal.result_types import RecoveredColumn, RecoveredEffect
from survey_site.reports.rehearsal.simulated_study import simulated
from survey_site.statistics.column_types import ComparedColumn, OutcomeName
from survey_site.statistics.comparisons import family
from survey_site.statistics.data import Trials
from survey_site.statistics.estimates import estimate, samples_by_column
from survey_site.statistics.outcome import Outcome, OutcomeFacts
from survey_site.statistics.plan import AnalysisPlan, QualityRules
from survey_site.statistics.table import build_report
from survey_site.tasks import registry
from survey_site.tasks.behaviour import Behaviour, Simulator
from survey_site.tasks.contract import Task, outcomes
from survey_site.tasks.planted import planted_effects, without_differences

Progress = Callable[[float, str], None]
Tallies = dict[OutcomeName, dict[str, "RecoveryTally"]]
CHANCE_OF_FALSE_REFUSAL = 0.001  # of the check of false alarms, were the tests exactly of their level


@dataclass(frozen=True, slots=True)
class RehearsalResult:
    """What a rehearsal found; `problems` is empty where it passed."""

    outcomes: list[OutcomeFacts]
    columns: list[RecoveredColumn]
    coverage: dict[OutcomeName, float]
    needed_coverage: float
    false_alarms: dict[OutcomeName, int]
    allowed_false_alarms: int
    problems: list[str]

    @property
    def passed(self) -> bool:
        return not self.problems


@dataclass(slots=True)
class RecoveryTally:
    """One outcome of one column over the simulated studies with effects."""

    planted: float
    found: list[float] = field(default_factory=list)
    covered: int = 0
    detected: int = 0


def rehearse(
    document: dict[str, Any],
    seed: int,
    repetitions: int = 20,
    progress: Progress = lambda fraction, label: None,
    behaviour: Behaviour | None = None,
) -> RehearsalResult:
    """Simulates `repetitions` studies with planted effects and as many without, and analyses each as planned.

    It passes where (1) the intervals hold the planted values as often as their level says, less three standard
    errors of `repetitions` studies; (2) without effects no more studies report a significant difference than tests
    of their level would in 999 of 1000 rehearsals; (3) the whole report can be built. document: in format 2. Raises
    UnknownTask for a task that is not installed.
    """
    tasks = registry.of(document["tasks"])
    asked = outcomes(tasks)
    planned = AnalysisPlan.from_protocol(document, registry.second_scores(document["tasks"]))
    analysis = replace(planned, rules=QualityRules.off(), second_scores=())
    names = list(analysis.columns)
    model = behaviour or Behaviour(effects=planted_effects(tasks, names))
    with_effects = [
        simulated(document, Simulator(model, f"{seed}/{number}"))
        for number in _counted(repetitions, progress, 0.0, 0.4, "studies with effects")
    ]
    planted = {task.outcome.key: _expected(model, task, names) for task in tasks}
    tallies = _recovered(with_effects, planted, analysis, asked)
    null = without_differences(model, tasks)
    alarms: dict[OutcomeName, int] = dict.fromkeys(planted, 0)
    for number in _counted(repetitions, progress, 0.5, 0.4, "studies without effects"):
        trials = simulated(document, Simulator(null, f"{seed}/null/{number}"))
        for outcome, rows in _comparisons(trials, analysis, asked).items():
            alarms[outcome] += any(row["significant"] for row in rows)
    progress(0.95, "the whole report")
    build_report(with_effects[0], planned, outcomes=asked, analyses=task_analyses.of(tasks))
    return _judged(tallies, alarms, repetitions, analysis, asked)


def _expected(model: Behaviour, task: Task, columns: Sequence[str]) -> dict[str, float]:
    """By column the estimate that follows from what is planted."""
    middle, high = sum(task.spread) / 2, task.outcome.high
    planted = {name: model.effect(task.name, name, task.planted, middle, high) for name in columns}
    return dict(task.expected(planted))


def _recovered(
    studies: list[Trials],
    planted: dict[OutcomeName, dict[str, float]],
    analysis: AnalysisPlan,
    asked: Sequence[Outcome],
) -> Tallies:
    """For each outcome and column: how often its interval holds the planted value, how often it differs."""
    tallies = {
        outcome: {name: RecoveryTally(value) for name, value in values.items()}
        for outcome, values in planted.items()
    }
    for trials in studies:
        for outcome in asked:
            samples = samples_by_column(trials.of_task(outcome.task), list(analysis.columns))
            for name, sample in samples.items():
                tally = tallies[outcome.key][name]
                found = estimate(sample, outcome, analysis.level)
                if found.value is None:
                    continue
                tally.found.append(found.value)
                low, high = found.interval.low, found.interval.high
                tally.covered += low is not None and high is not None and low <= tally.planted <= high
        for key, rows in _comparisons(trials, analysis, asked).items():
            for row in rows:
                tallies[key][row["column"]].detected += bool(row["significant"])
    return tallies


def _comparisons(
    trials: Trials, analysis: AnalysisPlan, asked: Sequence[Outcome]
) -> dict[OutcomeName, list[ComparedColumn]]:
    """The planned tests, Holm-adjusted; none where an outcome or its reference has no answers."""
    found: dict[OutcomeName, list[ComparedColumn]] = {}
    compared = [name for name in analysis.columns if name not in analysis.controls]
    for outcome in asked:
        samples = samples_by_column(trials.of_task(outcome.task), compared)
        samples = {name: sample for name, sample in samples.items() if len(sample)}
        if analysis.reference in samples and len(samples) > 1:
            found[outcome.key] = family(
                samples, analysis.reference, outcome, level=analysis.level,
                resamples=analysis.resamples, seed=analysis.seed,
            )["rows"]  # fmt: skip
    return found


def _judged(
    tallies: Tallies,
    alarms: dict[OutcomeName, int],
    repetitions: int,
    analysis: AnalysisPlan,
    asked: Sequence[Outcome],
) -> RehearsalResult:
    level = analysis.level
    needed = level - 3 * sqrt(level * (1 - level) / repetitions)
    allowed = int(stats.binom.ppf(1 - CHANCE_OF_FALSE_REFUSAL, repetitions, analysis.alpha))
    coverage: dict[OutcomeName, float] = {}
    problems = []
    for outcome in asked:
        key, title = outcome.key, outcome.title
        answered = {name: tally for name, tally in tallies[key].items() if tally.found}
        if not answered:
            continue
        coverage[key] = sum(t.covered for t in answered.values()) / (repetitions * len(answered))
        if coverage[key] < needed:
            worst = min(answered, key=lambda name: answered[name].covered)
            problems.append(
                f"The intervals of {title} hold the planted value in {100 * coverage[key]:.0f} % of cases, at least "
                f"{100 * needed:.0f} % are needed; {worst} is worst with {answered[worst].covered} of {repetitions}."
            )
        if alarms[key] > allowed:
            problems.append(
                f"Without any effect {alarms[key]} of {repetitions} studies report a difference of {title}; "
                f"at most {allowed} may."
            )
    if not coverage:
        problems.append("No column has answers; the design asks for no trial.")
    rows: list[RecoveredColumn] = [
        {"column": name, **{o.key: _brief(tallies[o.key][name], o.factor) for o in asked}}
        for name in analysis.columns
    ]
    facts = [outcome.facts() for outcome in asked]
    return RehearsalResult(facts, rows, coverage, needed, alarms, allowed, problems)


def _brief(tally: RecoveryTally, factor: float) -> RecoveredEffect | None:
    if not tally.found:
        return None
    return {
        "planted": factor * tally.planted,
        "mean": factor * sum(tally.found) / len(tally.found),
        "covered": tally.covered,
        "detected": tally.detected,
    }


def _counted(count: int, progress: Progress, start: float, share: float, label: str) -> Iterator[int]:
    for number in range(count):
        progress(start + share * number / count, f"{number} of {count} {label}")
        yield number
