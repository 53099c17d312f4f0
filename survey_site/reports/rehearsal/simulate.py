"""The planned analysis tried on simulated participants whose true effects are known. Pure; NumPy and SciPy.

Participants are simulated without pages: plan (design.assignment), behaviour (trials.simulation) and analysis
(statistics) are pure functions, so hundreds of studies take minutes. Source images are scored, whatever the
headline: the effects are planted on them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from math import sqrt
from typing import Any

from scipy import stats

from survey_site.design.assignment import PlannedTrial, plan
from survey_site.design.design import Design
from survey_site.protocols.document import design_of_document
from survey_site.reports.rehearsal.result_types import RecoveredColumn, RecoveredEffect
from survey_site.statistics.answer_scale import CANT_TELL
from survey_site.statistics.column_types import OUTCOMES, ComparedColumn, OutcomeName
from survey_site.statistics.comparisons import family
from survey_site.statistics.data import MATCHING, RATING, Trials, from_columns
from survey_site.statistics.estimates import faith, index, samples_by_column
from survey_site.statistics.plan import AnalysisPlan, QualityRules
from survey_site.statistics.table import build_report
from survey_site.trials.simulation.behaviour import Behaviour, Person, Simulator, planted_effects

Progress = Callable[[float, str], None]
Rows = dict[str, list[Any]]
TASKS: dict[OutcomeName, str] = {"faith": MATCHING, "index": RATING}
CHANCE_OF_FALSE_REFUSAL = 0.001  # of the check of false alarms, were the tests exactly of their level
NAMES = (
    "participant", "task", "column", "stimulus", "classifier", "base", "method", "pool", "choice", "correct",
    "class_correct", "rating", "position", "block", "rt_ms", "seen", "attention_check",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a rehearsal found; `problems` is empty where it passed."""

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
) -> Outcome:
    """Simulates `repetitions` studies with planted effects and as many without, and analyses each as planned.

    It passes where (1) the intervals hold the planted values as often as their level says, less three standard
    errors of `repetitions` studies; (2) without effects no more studies report a significant difference than tests
    of their level would in 999 of 1000 rehearsals; (3) the whole report can be built.
    """
    analysis = replace(AnalysisPlan.from_protocol(document), rules=QualityRules.off(), headline="correct")
    names = list(analysis.columns)
    model = behaviour or Behaviour(effects=planted_effects(names))
    with_effects = [
        simulated(document, Simulator(model, f"{seed}/{number}"))
        for number in _counted(repetitions, progress, 0.0, 0.4, "studies with effects")
    ]
    tallies = _recovered(with_effects, model, analysis, names)
    null = model.without_differences()
    alarms: dict[OutcomeName, int] = dict.fromkeys(TASKS, 0)
    for number in _counted(repetitions, progress, 0.5, 0.4, "studies without effects"):
        trials = simulated(document, Simulator(null, f"{seed}/null/{number}"))
        for outcome, rows in _comparisons(trials, analysis, names).items():
            alarms[outcome] += any(row["significant"] for row in rows)
    progress(0.95, "the whole report")
    build_report(with_effects[0], AnalysisPlan.from_protocol(document))
    return _judged(tallies, alarms, repetitions, analysis)


def simulated(document: dict[str, Any], simulator: Simulator) -> Trials:
    """The answers of as many completed participants as the document plans, one for each ticket.

    Who leaves gives the ticket to the next arrival, as at the site; their trials are not in the primary analysis.
    """
    design = design_of_document(document)
    names = [entry["column"] for entry in document["conditions"]]
    columns: Rows = {name: [] for name in NAMES}
    classes = {s["key"]: s["class"] for s in document["stimuli"]}
    arrivals = 0
    for ticket in range(document["design"]["target_participants"]):
        person = simulator.person(arrivals)
        while person.leaves_at is not None:
            arrivals += 1
            person = simulator.person(arrivals)
        arrivals += 1
        _answer_all(columns, simulator, person, design, ticket, document["conditions"], names, classes)
    return from_columns(columns)


def _answer_all(
    columns: Rows, simulator: Simulator, person: Person, design: Design, ticket: int,
    conditions: list[dict[str, Any]], names: list[str], classes: dict[str, str],
) -> None:  # fmt: skip
    for trial in plan(design, ticket):
        if trial.column is None or trial.condition is None:
            continue  # practice and checks count nowhere
        place = int(trial.condition)
        row: dict[str, object] = {
            "participant": f"p{person.number}",
            "task": trial.task,
            "block": trial.block,
            "seen": "yes",
        }
        row |= {name: conditions[place][name] for name in ("column", "classifier", "base", "method")}
        row |= {"stimulus": trial.target, "position": trial.position, "attention_check": 0}
        row |= _answer(simulator, person, trial, names[place], classes)
        for name in NAMES:
            columns[name].append(row.get(name))


def _answer(
    simulator: Simulator, person: Person, trial: PlannedTrial, column: str, classes: dict[str, str]
) -> dict[str, object]:
    if trial.task == "rating":
        rated = simulator.rate(person, trial.position, column, trial.target)
        return {"rating": rated.rating, "rt_ms": rated.rt_ms}
    place = trial.target_position or 0
    matched = simulator.match(person, trial.position, column, trial.target, place, len(trial.pool))
    pool = [str(key) for key in trial.pool]
    choice = None if matched.choice is None else pool[matched.choice]
    same = choice is not None and classes[choice] == classes[str(trial.target)]
    return {
        "pool": "|".join(pool),
        "choice": choice or CANT_TELL,
        "correct": int(choice == trial.target),
        "class_correct": int(choice == trial.target or same),
        "rt_ms": matched.rt_ms,
    }


def _recovered(
    studies: list[Trials], model: Behaviour, analysis: AnalysisPlan, names: list[str]
) -> dict[OutcomeName, dict[str, RecoveryTally]]:
    """For each outcome and column: how often its interval holds the planted value, how often it differs."""
    tallies = {
        outcome: {name: RecoveryTally(getattr(model.effect(name), outcome)) for name in names}
        for outcome in TASKS
    }
    for trials in studies:
        for outcome, task in TASKS.items():
            estimate = faith if outcome == "faith" else index
            for name, sample in samples_by_column(trials.of_task(task), names).items():
                tally = tallies[outcome][name]
                found = estimate(sample, analysis.level)
                if found.value is None:
                    continue
                tally.found.append(found.value)
                low, high = found.interval.low, found.interval.high
                tally.covered += low is not None and high is not None and low <= tally.planted <= high
        for outcome, rows in _comparisons(trials, analysis, names).items():
            for row in rows:
                tallies[outcome][row["column"]].detected += bool(row["significant"])
    return tallies


def _comparisons(
    trials: Trials, analysis: AnalysisPlan, names: list[str]
) -> dict[OutcomeName, list[ComparedColumn]]:
    """The planned tests of both outcomes, Holm-adjusted; none where an outcome or its reference is not asked."""
    found: dict[OutcomeName, list[ComparedColumn]] = {}
    for outcome, task in TASKS.items():
        samples = samples_by_column(trials.of_task(task), [n for n in names if n not in analysis.controls])
        samples = {name: sample for name, sample in samples.items() if len(sample)}
        if analysis.reference in samples and len(samples) > 1:
            found[outcome] = family(
                samples, analysis.reference, ratings=task == RATING, level=analysis.level,
                resamples=analysis.resamples, seed=analysis.seed,
            )["rows"]  # fmt: skip
    return found


def _judged(
    tallies: dict[OutcomeName, dict[str, RecoveryTally]],
    alarms: dict[OutcomeName, int],
    repetitions: int,
    analysis: AnalysisPlan,
) -> Outcome:
    level = analysis.level
    needed = level - 3 * sqrt(level * (1 - level) / repetitions)
    allowed = int(stats.binom.ppf(1 - CHANCE_OF_FALSE_REFUSAL, repetitions, analysis.alpha))
    coverage: dict[OutcomeName, float] = {}
    problems = []
    for outcome, title in zip(OUTCOMES, ("Human Faith", "the Index"), strict=True):
        asked = {name: tally for name, tally in tallies[outcome].items() if tally.found}
        if not asked:
            continue
        coverage[outcome] = sum(t.covered for t in asked.values()) / (repetitions * len(asked))
        if coverage[outcome] < needed:
            worst = min(asked, key=lambda name: asked[name].covered)
            problems.append(
                f"The intervals of {title} hold the planted value in {100 * coverage[outcome]:.0f} % of cases, at "
                f"least {100 * needed:.0f} % are needed; {worst} is worst with {asked[worst].covered} of {repetitions}."
            )
        if alarms[outcome] > allowed:
            problems.append(
                f"Without any effect {alarms[outcome]} of {repetitions} studies report a difference of {title}; "
                f"at most {allowed} may."
            )
    if not coverage:
        problems.append("No column has answers; the design asks for no trial.")
    rows: list[RecoveredColumn] = [
        {
            "column": name,
            "faith": _brief(tallies["faith"][name], 100),
            "index": _brief(tallies["index"][name], 1),
        }
        for name in analysis.columns
    ]
    return Outcome(rows, coverage, needed, alarms, allowed, problems)


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
