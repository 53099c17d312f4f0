"""Coverage of the report's intervals and size of its tests, by simulation with a known truth.

    python -m benchmarks.coverage                       # the tables of docs/statistics.md, some minutes
    python -m benchmarks.coverage --repetitions 200 --resamples 199

Participants and images are crossed random effects. Coverage: how often a nominal 95 % interval holds the true
value. Size: how often a test at 5 % rejects where the two columns are equal.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from itertools import product

import numpy as np

from benchmarks import coverage_parts as parts
from benchmarks.coverage_parts import PAIR, SCALE, Scale, Scenario
from survey_site.statistics.agreement import alpha, alpha_interval
from survey_site.statistics.comparisons import pair, t_test, wilcoxon
from survey_site.statistics.mixed_models import gee_odds_ratios
from survey_site.statistics.point import wilson
from survey_site.statistics.published import TABLE_1
from survey_site.statistics.resampling import sign_flip
from survey_site.statistics.uncertainty import Sample, difference, mean_interval, proportion_interval, ratio

SHARES = (0.48, 0.80, 0.96)
SPREADS = ((0.7, 0.7), (1.2, 0.3))
INDEX_VALUES = (4.05, 1.02)


def scenarios() -> list[Scenario]:
    """36 scenarios: participants × trials × share × spread of participants and images."""
    return [
        Scenario(p, t, (share,), *spread)
        for p, t, share, spread in product((12, 25, 50), (1, 4), SHARES, SPREADS)
    ]


def _naive(s: Sample) -> PAIR:
    return wilson(float(s.y.mean()), len(s))


def _two_way(s: Sample) -> PAIR | None:
    ends = proportion_interval(s).pair()
    return (ends[0], ends[1]) if ends else None


def _two_way_mean(s: Sample) -> PAIR | None:
    ends = mean_interval(s, bounds=SCALE).pair()
    return (ends[0], ends[1]) if ends else None


def faith_coverage(
    scenario: Scenario, repetitions: int, resamples: int, seed: int = 1, bootstraps: bool = True
) -> dict[str, float]:
    """Coverage of each interval of a share; an interval that cannot be given counts as not covering."""
    rng = np.random.default_rng(seed + 1)
    methods: dict[str, Callable[[Sample], PAIR | None]] = {"naive Wilson": _naive}
    if bootstraps:
        methods |= {
            "participant percentile": lambda s: parts.percentile(s, resamples, rng),
            "participant BCa": lambda s: parts.bca(s, resamples, rng),
            "two-way bootstrap": lambda s: parts.pigeonhole(s, resamples, rng),
        }
    methods["two-way Wilson (report)"] = _two_way
    hits = dict.fromkeys(methods, 0)
    for (sample,) in parts.studies(scenario, repetitions, seed):
        for name, method in methods.items():
            ends = method(sample)
            hits[name] += ends is not None and ends[0] <= scenario.values[0] <= ends[1]
    return {name: k / repetitions for name, k in hits.items()}


def index_coverage(scenario: Scenario, repetitions: int, resamples: int, seed: int = 1) -> dict[str, float]:
    """Coverage of the mean and of the ratio of the first column to the second."""
    rng, (a, b) = np.random.default_rng(seed + 1), scenario.values[:2]
    hits = {"mean, two-way": 0, "ratio, two-way": 0, "mean, bootstrap": 0, "ratio, bootstrap": 0}
    for top, bottom in parts.studies(scenario, repetitions, seed):
        ends = {
            "mean, two-way": (_two_way_mean(top), a),
            "ratio, two-way": (ratio(top, bottom).interval.pair(), a / b),
            "mean, bootstrap": (parts.percentile(top, resamples, rng), a),
            "ratio, bootstrap": (parts.ratio_bootstrap(top, bottom, resamples, rng), a / b),
        }
        for name, (interval, truth) in ends.items():
            hits[name] += interval is not None and interval[0] <= truth <= interval[1]
    return {name: k / repetitions for name, k in hits.items()}


def size(
    scenario: Scenario, repetitions: int, resamples: int, seed: int = 1, with_gee: bool = False
) -> dict[str, float]:
    """Share of rejections at 5 % with two equal columns whose images differ by method (interaction)."""
    rejected = {"two-way t (report)": 0, "sign-flip": 0, "Wilcoxon": 0} | ({"GEE": 0} if with_gee else {})
    for a, b in parts.studies(scenario, repetitions, seed):
        d = pair(a, b).difference
        p = {
            "two-way t (report)": t_test(difference(a, b)),
            "sign-flip": sign_flip(d, resamples, seed).p,
            "Wilcoxon": wilcoxon(d, resamples, seed),
        }
        if with_gee:
            rows = gee_odds_ratios({"b": b, "a": a}, "b")["rows"]
            p["GEE"] = rows[0]["p"] if rows else None
        for name, value in p.items():
            rejected[name] += value is not None and value < 0.05
    return {name: k / repetitions for name, k in rejected.items()}


def null_scenarios(scale: Scale) -> list[Scenario]:
    """Equal columns, 24 or 48 images, image × method effects of 0.5."""
    value = 3.3 if scale else 0.8
    return [
        Scenario(p, t, (value, value), interaction=0.5, scale=scale) for p, t in product((12, 24, 48), (4, 8))
    ]


def alpha_coverage(
    repetitions: int, resamples: int, participants: int = 25, seed: int = 1
) -> dict[str, float]:
    """Coverage of ordinal α by the jackknife and by the percentile bootstrap; truth from 3,000 participants."""
    means, rng = tuple(float(row.mean_rating) for row in TABLE_1), np.random.default_rng(seed)
    (crowd,) = parts.scored_studies(3000, means, 4, 1, seed + 1)
    truth = alpha(crowd.unit, crowd.value, "ordinal") or 0.0
    hits = {"jackknife (report)": 0, "participant percentile": 0}
    for study in parts.scored_studies(participants, means, 4, repetitions, seed):
        ends = {
            "jackknife (report)": alpha_interval(study.unit, study.value, study.participant, "ordinal"),
            "participant percentile": parts.alpha_percentile(study, resamples, rng),
        }
        for name, interval in ends.items():
            hits[name] += interval is not None and interval[0] <= truth <= interval[1]
    return {name: k / repetitions for name, k in hits.items()} | {"true alpha": truth}


def _say(text: str = "") -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _range(rows: Sequence[dict[str, float]]) -> dict[str, str]:
    return {name: f"{min(r[name] for r in rows):.3f}–{max(r[name] for r in rows):.3f}" for name in rows[0]}


def print_faith(repetitions: int, resamples: int) -> None:
    """Coverage of shares: range over all scenarios and the one of P = 25, 24 images, t = 4, σ = .7/.7."""
    rows = {s: faith_coverage(s, repetitions, resamples) for s in scenarios()}
    example = [rows[Scenario(25, 4, (share,), 0.7, 0.7)] for share in SHARES]
    one = [r for s, r in rows.items() if s.trials == 1 and s.values == (0.96,)]
    _say(f"Coverage of the share, {len(rows)} scenarios × {repetitions} repetitions, B = {resamples}\n")
    _say("| method | min–max | P=25, I=24, t=4, σ=.7/.7: p=.48/.80/.96 | p=.96, t=1: lowest |")
    _say("|---|---|---|---|")
    for name, span in _range(list(rows.values())).items():
        values = "/".join(f"{r[name]:.3f}" for r in example)
        _say(f"| {name} | {span} | {values} | {min(r[name] for r in one):.3f} |")


def print_index(repetitions: int, resamples: int) -> None:
    """Coverage of means of scores and of their ratios."""
    cases = [
        Scenario(p, t, INDEX_VALUES, *spread, scale=SCALE)
        for p, t, spread in product((12, 25, 50), (4, 8), SPREADS)
    ]
    rows = [index_coverage(s, repetitions, resamples) for s in cases]
    _say(f"\nCoverage of the index, {len(rows)} scenarios × {repetitions} repetitions\n")
    _say("| interval | min–max |\n|---|---|")
    for name, span in _range(rows).items():
        _say(f"| {name} | {span} |")


def print_size(repetitions: int, resamples: int) -> None:
    """Size of the tests."""
    _say(
        f"\nSize of tests at 5 %, {repetitions} repetitions, σ = .7/.7, image × method .5, min–max over 6 designs\n"
    )
    _say("| outcome | two-way t (report) | sign-flip | Wilcoxon | GEE |\n|---|---|---|---|---|")
    for scale in (None, SCALE):
        rows = [size(s, repetitions, resamples, with_gee=not scale) for s in null_scenarios(scale)]
        span = _range(rows)
        cells = [span[n] for n in ("two-way t (report)", "sign-flip", "Wilcoxon")]
        _say(f"| {'index' if scale else 'faith'} | {' | '.join(cells)} | {span.get('GEE', '—')} |")


def print_alpha(repetitions: int, resamples: int) -> None:
    """Coverage of Krippendorff's alpha."""
    result = alpha_coverage(repetitions, min(resamples, 499))
    truth = f"true value {result['true alpha']:.3f}"
    _say(f"\nCoverage of ordinal alpha, P = 25, 24 images, {repetitions} repetitions ({truth})\n")
    for name in ("jackknife (report)", "participant percentile"):
        _say(f"- {name}: {result[name]:.3f}")


TABLES = {"faith": print_faith, "index": print_index, "size": print_size, "alpha": print_alpha}


def main(argv: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=1500, help="simulated studies per scenario")
    parser.add_argument("--resamples", type=int, default=999, help="B of bootstraps and sign-flips")
    parser.add_argument("--only", choices=TABLES, help="one of the tables")
    options = parser.parse_args(argv)
    for name, table in TABLES.items():
        if options.only in (None, name):
            table(options.repetitions, options.resamples)


if __name__ == "__main__":
    main()
