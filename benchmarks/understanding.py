"""The tasks that ask what people understand, over many simulated studies: planted effects, size of the tests, coverage.

    python -m benchmarks.understanding [--studies 1000] [--only agreement]
    python -m benchmarks.understanding --held --studies 4000 --only preference [--participants 12] [--images 12]

Each study is planned, answered, read and scored as at the site, and analysed by the report's own functions. Printed per
task: how often its intervals hold the planted value, how often the planned tests (Holm) find the planted difference, how
often they find one where there is none, and the coverage of the intervals of its own section. --held: of more studies,
other ones, only how often the intervals hold the planted value, and whether their variance is that of the estimates.
"""

import argparse
import os
import statistics
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import stats

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "survey_site.settings")
import django

django.setup()

from survey_site.reports.rehearsal import simulate  # noqa: E402
from survey_site.reports.rehearsal.simulated_study import simulated  # noqa: E402
from survey_site.statistics.data import Trials  # noqa: E402
from survey_site.statistics.detection import Judged, signal_detection  # noqa: E402
from survey_site.statistics.estimates import samples_by_column  # noqa: E402
from survey_site.statistics.predictions_apart import right_ones  # noqa: E402
from survey_site.statistics.uncertainty import mean_contrast, proportion_interval  # noqa: E402
from survey_site.tasks import registry  # noqa: E402
from survey_site.tasks.agreement import behaviour as agreement  # noqa: E402
from survey_site.tasks.behaviour import Behaviour, Simulator  # noqa: E402
from survey_site.tasks.planted import planted_effects, without_differences  # noqa: E402
from survey_site.tasks.preference import analysis as preference  # noqa: E402

COLUMNS = ("Grad-CAMs", "Ours 1", "Ours 5")
PARTICIPANTS, IMAGES, TRIALS = 24, 24, 4
TASKS = ("preference", "distinction", "agreement")
CROWD = 2000  # people and images of the study that tells the true value of what is not planted itself


def document(task: str, participants: int = PARTICIPANTS, images: int = IMAGES) -> dict[str, Any]:
    """The protocol of a study of one task: each image is right or wrong as the slots of the square ask for."""
    keys = [f"k{number:04d}" for number in range(images)]
    columns, trials = len(COLUMNS), TRIALS * len(COLUMNS)
    groups = images // trials
    wrong = {key: number // groups // columns % 2 for number, key in enumerate(keys)}
    methods = ("", "add-edges", "comp-blend11")
    return {
        "format": 2,
        "study": {"slug": "benchmark"},
        "design": {"practice_trials": 0, "attention_checks": 0, "target_participants": participants, "seed": "7"},
        "tasks": {task: {"trials_per_column": TRIALS}},
        "conditions": [
            {
                "column": name, "column_order": n, "classifier": "VGG16", "base": "gradcam", "method": method,
                "is_reference": not n,
            }
            for n, (name, method) in enumerate(zip(COLUMNS, methods, strict=True))
        ],
        "stimuli": [{"key": key, "class": "cat"} for key in keys],
        "items": {task: [{"stimuli": [key], "similarity": None} for key in keys]},
        "predictions": {"VGG16": {key: "dog" if wrong[key] else "cat" for key in keys}},
        "reserve": [],
        "analysis_plan": {"resamples": 99},
        "exclusion_rules": {},
    }  # fmt: skip


def studies(
    task: str,
    model: Behaviour,
    number: int,
    seed: str,
    participants: int = PARTICIPANTS,
    images: int = IMAGES,
) -> Iterator[Trials]:
    """Simulated studies of one task."""
    asked = document(task, participants, images)
    for study in range(number):
        yield simulated(asked, Simulator(model, f"{seed}/{study}"))


def signal_truth(model: Behaviour) -> dict[str, tuple[float, float]]:
    """By column d′ and criterion of the shares that are planted in right and in wrong predictions."""
    simulator, found = Simulator(model, "truth"), {}
    for name in COLUMNS:
        z = [float(stats.norm.ppf(agreement.planted(simulator, name, right))) for right in (True, False)]
        found[name] = (z[0] + z[1], (z[1] - z[0]) / 2)
    return found


def strength_truth(model: Behaviour) -> dict[str, float]:
    """By column the strength that the model of Bradley and Terry has in the limit: of the expected wins of each pair."""
    simulator = Simulator(model, "truth")
    own = {name: preference_strength(simulator, name) for name in COLUMNS}
    middle = statistics.mean(own.values())
    return {name: value - middle for name, value in own.items()}


def preference_strength(simulator: Simulator, name: str) -> float:
    """Log odds planted for a column."""
    from survey_site.tasks.preference.behaviour import effect

    share = effect(simulator, name)
    return float(np.log(share / (1 - share)))


def own_coverage(task: str, model: Behaviour, number: int) -> dict[str, float]:
    """Coverage of the intervals of the task's own section, over all columns."""
    held: dict[str, list[bool]] = defaultdict(list)
    signals, strengths = signal_truth(model), strength_truth(model)
    for trials in studies(task, model, number, "coverage"):
        if task == "agreement":
            for name in COLUMNS:
                own = trials.select(trials.column.equals(name)).answered()
                judged = Judged(own.value, right_ones(own), own.participant.codes, own.item.codes)
                found = signal_detection(judged)
                for key, truth in zip(("d_prime", "criterion"), signals[name], strict=True):
                    held[key].append(_holds(found[f"{key}_ci"], truth))  # type: ignore[literal-required]
                for key, right in (("of right", True), ("of wrong", False)):
                    held[key].append(
                        _share_holds(own, right, agreement.planted(Simulator(model, ""), name, right))
                    )
        if task == "preference":
            duels = preference.duels_of(trials)
            fitted = preference.strengths(duels)
            rows = [] if fitted.reason else preference.strength_rows(duels, fitted, 0.95)
            for row in rows:
                held["strength"].append(_holds(row["ci"], strengths[row["column"]]))
            held["estimable"].append(not fitted.reason)
    return {key: statistics.mean(values) for key, values in held.items()}


def _share_holds(trials: Trials, right: bool, truth: float) -> bool:
    from survey_site.statistics.predictions_apart import apart

    found = apart(trials, 0.95)["on_right" if right else "on_wrong"]["ci"]
    return _holds(found, 100 * truth)


def _holds(interval: list[float] | None, truth: float) -> bool:
    return interval is not None and interval[0] <= truth <= interval[1]


def circles_found(model: Behaviour, number: int) -> float:
    """Share of studies in which any three columns contradict Bradley and Terry's model, though all agree with it."""
    null = studies("preference", model, number, "circles")
    return statistics.mean(
        preference.circles(preference.duels_of(trials), 0.95)["against_the_model"] > 0 for trials in null
    )


def report(task: str, number: int) -> None:
    """One task's lines."""
    asked = document(task)
    own = registry.of(asked["tasks"])
    model = Behaviour(effects=planted_effects(own, COLUMNS))
    found = simulate.rehearse(asked, seed=1, repetitions=number, behaviour=model)
    key = own[0].outcome.key
    error = np.sqrt(0.05 * 0.95 / number)
    print(f"\n{own[0].title}: {own[0].outcome.heading}")
    for column in found.columns:
        cell = column[key]
        print(
            f"  {column['column']:>10}: planted {cell['planted']:.1f}, mean {cell['mean']:.1f}, interval holds it in "
            f"{cell['covered'] / number:.3f}, difference found in {cell['detected'] / number:.3f}"
        )
    print(
        f"  without differences one is found in {found.false_alarms[key] / number:.3f} (nominal .05 ± {error:.3f})"
    )
    for name, share in own_coverage(task, model, number).items():
        print(f"  {name}: {share:.3f}")
    if task == "preference":
        alike = without_differences(model, own)
        print(f"  orderly preferences contradict the model in {circles_found(model, number):.3f}")
        print(f"  equal ones in {circles_found(alike, number):.3f}")


def held(task: str, number: int, participants: int, images: int) -> None:
    """By column: how often the interval of a share holds the planted one; V of statistics.md over the true variance."""
    (own,) = registry.of(document(task)["tasks"])
    model = Behaviour(effects=planted_effects([own], COLUMNS))
    truth = own.expected(
        {name: model.effect(task, name, own.planted, sum(own.spread) / 2, 1) for name in COLUMNS}
    )
    holds: dict[str, list[bool]] = defaultdict(list)
    shares: dict[str, list[float]] = defaultdict(list)
    variances: dict[str, list[float]] = defaultdict(list)
    for trials in studies(task, model, number, "held", participants, images):
        for name, sample in samples_by_column(trials.of_task(task), list(COLUMNS)).items():
            p, found = float(sample.y.mean()), proportion_interval(sample)
            holds[name].append(_holds(found.pair(), truth[name]))
            shares[name].append(p)
            variances[name].append(max(mean_contrast(sample).variance or 0.0, p * (1 - p) / len(sample)))
    print(
        f"\n{own.title}: {participants} participants, {images} images, error {np.sqrt(0.05 * 0.95 / number):.4f}"
    )
    for name in COLUMNS:
        ratio = statistics.mean(variances[name]) / statistics.variance(shares[name])
        print(
            f"  {name:>10}: holds it in {statistics.mean(holds[name]):.3f}, variance {ratio:.2f} of the true one"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--only", choices=TASKS)
    parser.add_argument("--held", action="store_true", help="only how often intervals hold what is planted")
    parser.add_argument("--participants", type=int, default=PARTICIPANTS, help="with --held")
    parser.add_argument("--images", type=int, default=IMAGES, help="with --held; a multiple of 12")
    options = parser.parse_args()
    tasks = (options.only,) if options.only else TASKS
    if options.held:
        for task in tasks:
            held(task, options.studies, options.participants, options.images)
        return
    print(
        f"{options.studies} studies of {PARTICIPANTS} participants, {IMAGES} images, {TRIALS} trials in each of "
        f"{len(COLUMNS)} columns"
    )
    for task in tasks:
        report(task, options.studies)


if __name__ == "__main__":
    main()
